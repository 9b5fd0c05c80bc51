import Engine
import Linux
import Testing

@Suite("Networks by the stock client", .serialized, .timeLimit(.minutes(10)))
struct NetworkClientTests {
    /// Waits until a container's web server listens.
    private func listens(_ lab: EngineLab, _ name: String) async throws {
        try await lab.eventually("\(name) answers itself") {
            try await lab.docker("exec", name, "wget", "-qO-", "http://127.0.0.1/", expecting: nil).code == 0
        }
    }

    @Test("a container shares another's network, with its names and files, and is refused what stands against it")
    func sharedNetwork() async throws {
        let lab = try await EngineLab()
        try await lab.docker(
            "run", "-d", "--name", "owner", "--hostname", "ownhost", "busybox", "httpd", "-f", "-h", "/www")
        try await listens(lab, "owner")
        let seen = try await lab.docker(
            "run", "--rm", "--network", "container:owner", "busybox", "sh", "-c",
            "hostname; wget -qO- http://127.0.0.1/; cat /etc/hosts")
        #expect(seen.out.hasPrefix("ownhost\nhello from busybox\n") && seen.out.contains("\townhost\n"))
        try await lab.docker(
            "run", "-d", "--name", "joiner", "--network", "container:owner", "busybox", "sleep", "1000")
        let id = try await lab.docker("inspect", "owner", "-f", "{{.Id}}").line
        #expect(
            try await lab.docker(
                "inspect", "joiner", "-f", "{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Networks}}"
            ).line == "container:\(id) {}")
        for (options, text) in [
            (["-p", "80:80"], "port publishing and the container type network mode"),
            (["--hostname", "x"], "hostname and the network mode"),
            (["--dns", "192.0.2.9"], "dns and the network mode"),
            (["--add-host", "a:192.0.2.9"], "custom host-to-IP mapping and the network mode"),
            (["--expose", "5"], "port exposing and the container type network mode"),
            (["--mac-address", "02:42:00:00:00:01"], "mac-address and the network mode"),
        ] {
            let refused = try await lab.docker(
                words: ["run", "--rm", "--network", "container:owner"] + options + ["busybox"], expecting: 125)
            #expect(refused.sentences.contains("conflicting options: \(text)"), "\(refused.error)")
        }
        try await lab.stop()
        try await lab.start()
        try await lab.docker("restart", "-t", "0", "joiner")
        #expect(
            try await lab.docker("exec", "joiner", "wget", "-qO-", "http://127.0.0.1/").out == "hello from busybox\n")
        try await lab.docker("stop", "-t", "0", "owner", "joiner")
        let alone = try await lab.docker("start", "joiner", expecting: 1)
        #expect(alone.error.contains("cannot join network of a non running container: \(id)"), "\(alone.error)")
        try await lab.takeDown()
    }

    @Test("containers in the host's network and in none are listed with it")
    func predefined() async throws {
        let lab = try await EngineLab()
        try await lab.docker("run", "-d", "--name", "bare", "--network", "host", "busybox", "sleep", "1000")
        let format = "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.NetworkID}}{{end}}"
        let id = try await lab.docker("network", "inspect", "host", "-f", "{{.Id}}").line
        #expect(try await lab.docker("inspect", "bare", "-f", format).line == "host \(id)")
        let members = try await lab.docker(
            "network", "inspect", "host", "-f", "{{range .Containers}}{{.Name}}{{end}}")
        #expect(members.line == "bare")
        let links = try await lab.docker("run", "--rm", "--network", "none", "busybox", "ip", "-o", "link")
        #expect(links.out.split(separator: "\n").count == 1)
        for (network, text) in [
            ("host", "container cannot be disconnected from host network or connected to host network"),
            ("none", "with one of the networks in private (none) mode"),
        ] {
            let refused = try await lab.docker("network", "connect", network, "bare", expecting: 1)
            #expect(refused.error.contains(text), "\(refused.error)")
        }
        for (network, text) in [
            ("host", "host is a pre-defined network and cannot be removed"),
            ("bridge", "bridge is a pre-defined network and cannot be removed"),
            ("nowhere", "network nowhere not found"),
        ] {
            let refused = try await lab.docker("network", "rm", network, expecting: 1)
            #expect(refused.error.contains(text), "\(refused.error)")
        }
        try await lab.takeDown()
    }

    @Test("networks are made as asked, and what cannot be is refused in Docker's words")
    func create() async throws {
        let lab = try await EngineLab()
        try await lab.docker(
            "network", "create", "--subnet", "10.231.0.0/24", "--ip-range", "10.231.0.128/25", "--gateway",
            "10.231.0.1", "--aux-address", "a=10.231.0.129", "--ipv6", "--subnet", "fd23:1::/64", "--label", "k=v",
            "-o", "com.docker.network.bridge.name=sc-named", "-o", "com.docker.network.driver.mtu=1400", "made")
        let shape = try await lab.docker(
            "network", "inspect", "made", "-f", "{{json .IPAM}} {{json .Options}} {{.EnableIPv6}}")
        #expect(
            shape.line
                == #"{"Driver":"default","Options":{},"Config":[{"Subnet":"10.231.0.0/24","IPRange":"10.231.0.128/25","#
                + #""Gateway":"10.231.0.1","AuxiliaryAddresses":{"a":"10.231.0.129"}},{"Subnet":"fd23:1::/64","#
                + #""Gateway":"fd23:1::1"}]} {"com.docker.network.bridge.name":"sc-named","#
                + #""com.docker.network.driver.mtu":"1400"} true"#)
        for (arguments, text) in [
            (["made"], "network with name made already exists"),
            (["--subnet", "10.231.0.0/16", "n"], "Pool overlaps with other one on this address space"),
            (["--subnet", "10.231.9.1/24", "n"], "invalid subnet 10.231.9.1/24: it should be 10.231.9.0/24"),
            (["-d", "weird", "n"], "could not find plugin weird in v1 plugin registry: plugin not found"),
            (["-d", "host", "n"], "only one instance of \"host\" network is allowed"),
            (["-o", "com.docker.network.bridge.enable_icc=maybe", "n"], "expected true or false"),
            (["-d", "macvlan", "-o", "parent=nowhere0", "n"], "interface nowhere0 not found"),
            (["--ipv4=false", "n"], "networks without IPv4 are not supported"),
        ] {
            let refused = try await lab.docker(words: ["network", "create"] + arguments, expecting: 1)
            #expect(refused.error.contains(text), "\(refused.error)")
        }
        let inside = try await lab.docker(
            "run", "--rm", "--network", "made", "--ip", "10.231.0.9", "--ip6", "fd23:1::9", "busybox", "sh", "-c",
            "ip -o addr show dev eth0; ip link show dev eth0")
        #expect(inside.out.contains("10.231.0.9/24") && inside.out.contains("fd23:1::9/64"), "\(inside.out)")
        #expect(inside.out.contains("mtu 1400"))
        try await lab.docker("network", "create", "plain")
        let refused = try await lab.docker(
            "run", "--rm", "--network", "plain", "--ip", "10.231.0.9", "busybox", expecting: 125)
        #expect(
            refused.sentences.contains(
                "user specified IP address is supported only when connecting to networks with user configured subnets"))
        #expect(
            try await lab.docker("network", "ls", "-q", "--filter", "label=k=v").out.split(separator: "\n").count == 1)
        try await lab.takeDown()
    }

    @Test("joining and leaving networks changes addresses, routes, names and files of a running container")
    func connect() async throws {
        let lab = try await EngineLab()
        for network in ["one", "two"] {
            try await lab.docker("network", "create", "--ipv6", network)
        }
        try await lab.docker(
            "run", "-d", "--name", "server", "--network", "one", "busybox", "httpd", "-f", "-h", "/www")
        try await listens(lab, "server")
        try await lab.docker("exec", "server", "sh", "-c", "echo 192.0.2.9 mine >> /etc/hosts")
        try await lab.docker(
            "network", "connect", "--alias", "special", "--gw-priority", "9", "--driver-opt",
            "com.docker.network.endpoint.ifname=side0", "two", "server")
        let before = try await lab.docker("exec", "server", "sh", "-c", "ip route; cat /etc/hosts")
        #expect(before.out.contains("dev side0") && before.out.contains("192.0.2.9 mine\n"))
        let gateway = try await lab.docker(
            "inspect", "server", "-f", "{{.NetworkSettings.Networks.two.Gateway}}"
        ).line
        #expect(before.out.contains("default via \(gateway) dev side0"), "\(before.out)")
        let names = try await lab.docker(
            "run", "--rm", "--network", "two", "busybox", "sh", "-c",
            "ask='nslookup -timeout=60 -retry=20'; wget -qO- http://special/; $ask special; "
                + "$ask $($ask server | grep -o 'fd.*' | tail -n 1)")
        let address6 = try await lab.docker(
            "inspect", "server", "-f", "{{.NetworkSettings.Networks.two.GlobalIPv6Address}}"
        ).line
        #expect(names.out.hasPrefix("hello from busybox\n") && names.out.contains(address6), "\(names.out)")
        try await lab.docker("network", "disconnect", "two", "server")
        let after = try await lab.docker("exec", "server", "sh", "-c", "ip route; cat /etc/hosts")
        #expect(!after.out.contains("side0") && !after.out.contains(address6))
        #expect(after.out.contains("default via") && after.out.contains("192.0.2.9 mine\n"), "\(after.out)")
        let again = try await lab.docker("network", "disconnect", "two", "server", expecting: 1)
        #expect(again.error.contains("is not connected to network two"), "\(again.error)")
        try await lab.docker("network", "connect", "two", "server")
        let active = try await lab.docker("network", "rm", "two", expecting: 1)
        #expect(active.error.contains("error while removing network: network two id"), "\(active.error)")
        #expect(active.error.contains("has active endpoints"))
        try await lab.takeDown()
    }

    @Test("ports are published as ranges, on any free port, and on both families; a taken one is refused")
    func publish() async throws {
        let lab = try await EngineLab()
        try await lab.docker("network", "create", "--ipv6", "six")
        try await lab.docker(
            "run", "-d", "--name", "web", "--network", "six", "-p", "28000-28001:28000-28001", "-p",
            "28010-28012:80", "-p", "127.0.0.1:28020:80", "-p", "81", "-p", "28030:53/udp", "busybox", "httpd", "-f",
            "-h", "/www")
        let ports = try await lab.docker("port", "web").out
        for line in [
            "80/tcp -> 0.0.0.0:28010", "80/tcp -> [::]:28010", "80/tcp -> 127.0.0.1:28020",
            "28000/tcp -> 0.0.0.0:28000", "28001/tcp -> [::]:28001", "53/udp -> 0.0.0.0:28030",
        ] {
            #expect(ports.contains(line + "\n"), "\(line) is not in \(ports)")
        }
        let free = try await lab.docker("port", "web", "81").out.split(separator: "\n")
        #expect(free.count == 2 && Set(free.compactMap { $0.split(separator: ":").last }).count == 1)
        try await lab.docker("run", "-d", "--name", "next", "-p", "28010-28012:80", "busybox", "sleep", "1000")
        #expect(try await lab.docker("port", "next").line == "80/tcp -> 0.0.0.0:28011")
        let refused = try await lab.docker(
            "run", "--name", "late", "-p", "28011:80", "busybox", "true", expecting: 125)
        #expect(
            refused.sentences.contains("driver failed programming external connectivity on endpoint late ("),
            "\(refused.error)")
        #expect(refused.sentences.contains("Bind for 0.0.0.0:28011 failed: port is already allocated"))
        #expect(
            try await lab.docker("inspect", "web", "-f", "{{json (index .HostConfig.PortBindings \"80/tcp\")}}").line
                == #"[{"HostIp":"","HostPort":"28010-28012"},{"HostIp":"127.0.0.1","HostPort":"28020"}]"#)
        try await lab.takeDown()
    }

    @Test("resolvers, search domains and links are as asked for, in the default network and in others")
    func names() async throws {
        let lab = try await EngineLab()
        try await lab.docker("network", "create", "front")
        let options = ["--dns", "192.0.2.53", "--dns-search", "corp.example", "--dns-opt", "timeout:1"]
        let own = try await lab.docker(
            words: ["run", "--rm", "--network", "front"] + options + ["busybox", "cat", "/etc/resolv.conf"])
        #expect(own.out == "nameserver 127.0.0.11\nsearch corp.example\noptions timeout:1 ndots:0\n")
        let plain = try await lab.docker(words: ["run", "--rm"] + options + ["busybox", "cat", "/etc/resolv.conf"])
        #expect(plain.out == "nameserver 192.0.2.53\nsearch corp.example\noptions timeout:1\n")
        for network in ["bridge", "front"] {
            let server = "server-" + network
            try await lab.docker(
                "run", "-d", "--name", server, "--network", network, "busybox", "httpd", "-f", "-h", "/www")
            try await listens(lab, server)
            let linked = try await lab.docker(
                "run", "--rm", "--network", network, "--link", "\(server):web", "busybox", "wget", "-qO-", "http://web/"
            )
            #expect(linked.out == "hello from busybox\n")
        }
        let variables = try await lab.docker(
            "run", "--rm", "--name", "app", "--link", "server-bridge:my-web", "busybox", "env")
        #expect(variables.out.contains("MY_WEB_NAME=/app/my-web\n"), "\(variables.out)")
        // In the default network nobody is found by name.
        let unknown = try await lab.docker(
            "run", "--rm", "busybox", "wget", "-qO-", "http://server-bridge/", expecting: 1)
        #expect(unknown.error.contains("bad address"), "\(unknown.error)")
        let absent = try await lab.docker("run", "--rm", "--link", "nobody:x", "busybox", expecting: 125)
        #expect(absent.error.contains("could not get container for nobody"), "\(absent.error)")
        try await lab.takeDown()
    }

    @Test("a container's networks are told as events with its start and its end")
    func events() async throws {
        let lab = try await EngineLab()
        let since = Clock.now().seconds
        try await lab.docker("run", "--rm", "--name", "brief", "busybox", "true")
        try await lab.eventually("it is gone") {
            try await lab.docker("ps", "-aq").out.isEmpty
        }
        let told = try await lab.docker(
            "events", "--since", "\(since)", "--until", "\(Clock.now().seconds + 1)", "--filter", "type=network",
            "--format", "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}")
        #expect(told.out == "connect bridge bridge\ndisconnect bridge bridge\n", "\(told.out)")
        try await lab.takeDown()
    }
}
