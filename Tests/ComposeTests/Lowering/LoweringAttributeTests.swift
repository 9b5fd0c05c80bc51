import Compose
import Diagnostics
import JSONText
import StackModel
import Testing

@Suite("compose services as containers")
struct LoweringAttributeTests {
    @Test(
        "each attribute of a service is the container's",
        arguments: [
            (#""command": ["a", "b"]"#, "command", #"["a","b"]"#),
            (#""entrypoint": []"#, "entrypoint", "[]"),
            (#""environment": {"A": "1", "B": null}"#, "env", #"{"A":"1"}"#),
            (#""environment": {"A": "1", "B": null, "AA": null}"#, "unsetEnv", #"["AA","B"]"#),
            (#""user": "1000:1000""#, "user", #""1000:1000""#),
            (#""working_dir": "/app""#, "workdir", #""/app""#),
            (#""hostname": "web""#, "hostname", #""web""#),
            (#""domainname": "example.test""#, "domainname", #""example.test""#),
            (#""tty": true"#, "tty", "true"),
            (#""stdin_open": true"#, "openStdin", "true"),
            (#""init": true"#, "init", "true"),
            (#""stop_signal": "SIGINT""#, "stopSignal", #""SIGINT""#),
            (#""stop_grace_period": "1m30s""#, "stopTimeout", "90"),
            (#""stop_grace_period": "500ms""#, "stopTimeout", "1"),
            (#""annotations": {"a.b": "c"}"#, "annotations", #"{"a.b":"c"}"#),
            (#""privileged": true"#, "privileged", "true"),
            (#""read_only": true"#, "readOnlyRoot", "true"),
            (#""cap_add": ["NET_ADMIN"]"#, "capAdd", #"["NET_ADMIN"]"#),
            (#""cap_drop": ["ALL"]"#, "capDrop", #"["ALL"]"#),
            (#""group_add": ["docker", 1001]"#, "groups", #"["docker","1001"]"#),
            (#""pid": "host""#, "pidMode", #""host""#),
            (#""ipc": "shareable""#, "ipcMode", #""shareable""#),
            (#""uts": "host""#, "utsMode", #""host""#),
            (#""userns_mode": "host""#, "usernsMode", #""host""#),
            (#""cgroup": "private""#, "cgroupMode", #""private""#),
            (#""cgroup_parent": "/x""#, "cgroupParent", #""/x""#),
            (#""runtime": "runc""#, "runtime", #""runc""#),
            (#""platform": "linux/amd64""#, "platform", #""linux/amd64""#),
            (#""shm_size": "67108864""#, "shmSize", "67108864"),
            (#""sysctls": {"net.core.somaxconn": "1024"}"#, "sysctls", #"{"net.core.somaxconn":"1024"}"#),
            (#""oom_score_adj": -500"#, "oomScoreAdj", "-500"),
            (#""dns": ["1.1.1.1"]"#, "dns", #"["1.1.1.1"]"#),
            (#""dns_search": ["example.test"]"#, "dnsSearch", #"["example.test"]"#),
            (#""dns_opt": ["ndots:2"]"#, "dnsOptions", #"["ndots:2"]"#),
            (#""extra_hosts": ["db=10.0.0.5", "v6=::1"]"#, "extraHosts", #"["db:10.0.0.5","v6:::1"]"#),
            (#""device_cgroup_rules": ["c 1:3 rwm"]"#, "deviceRules", #"["c 1:3 rwm"]"#),
            (#""container_name": "front""#, "name", #""front""#),
            (#""expose": ["80", "8000-8001/udp"]"#, "expose", #"["80/tcp","8000/udp","8001/udp"]"#),
            (
                #""ulimits": {"nproc": 65535, "nofile": {"soft": 1024, "hard": 2048}}"#, "ulimits",
                #"{"nofile":{"hard":2048,"soft":1024},"nproc":{"hard":65535,"soft":65535}}"#
            ),
            (
                #""logging": {"driver": "local", "options": {"max-size": "10m"}}"#, "logging",
                #"{"driver":"local","options":{"max-size":"10m"}}"#
            ),
            (
                #""devices": [{"source": "/dev/fuse"}]"#, "devices",
                #"[{"access":"rwm","source":"/dev/fuse","target":"/dev/fuse"}]"#
            ),
            (
                #""devices": [{"source": "nvidia.com/gpu=0", "target": "nvidia.com/gpu=0"}]"#, "deviceRequests",
                #"[{"driver":"cdi","ids":["nvidia.com/gpu=0"]}]"#
            ),
            (#""gpus": [{"count": -1}]"#, "deviceRequests", #"[{"capabilities":[["gpu"]],"count":-1}]"#),
            (#""external_links": ["old:db"]"#, "links", #"["old:db"]"#),
            (#""x-stackctl": {"one-shot": true}"#, "oneShot", "true"),
        ])
    func attribute(_ written: String, _ name: String, _ expected: String) throws {
        let attributes = try LoweringLab(web: written).attributes()
        #expect(attributes?[name]?.serialized(.canonical) == expected)
    }

    @Test("tens of thousands of variables are the container's, in their order")
    func manyVariables() throws {
        let names = (0..<30_000).map { "V\($0)" }
        let written = names.map { "\"\($0)\": \"value\"" }.joined(separator: ", ")
        let attributes = try LoweringLab(web: "\"environment\": {\(written)}").attributes()
        #expect(attributes?["env"]?.objectValue?.keys == names)
    }

    @Test(
        "each limit is the container's, and deploy.resources count before the service's own",
        arguments: [
            (#""mem_limit": "1073741824""#, "memory", "1073741824"),
            (
                #""mem_limit": "1073741824", "deploy": {"resources": {"limits": {"memory": "536870912"}}}"#, "memory",
                "536870912"
            ),
            (#""mem_reservation": "1048576""#, "memoryReservation", "1048576"),
            (#""deploy": {"resources": {"reservations": {"memory": "2097152"}}}"#, "memoryReservation", "2097152"),
            (#""memswap_limit": "-1""#, "memorySwap", "-1"),
            (#""mem_swappiness": 10"#, "swappiness", "10"),
            (#""cpus": 0.5"#, "nanoCPUs", "500000000"),
            (#""cpus": 0.1"#, "nanoCPUs", "100000000"),
            (#""deploy": {"resources": {"limits": {"cpus": "0.25"}}}"#, "nanoCPUs", "250000000"),
            (#""pids_limit": 100"#, "pids", "100"),
            (#""cpu_shares": 512"#, "cpuShares", "512"),
            (#""cpu_quota": 50000"#, "cpuQuota", "50000"),
            (#""cpu_period": "100ms""#, "cpuPeriod", "100000"),
            (#""cpu_rt_runtime": "400ms""#, "cpuRealtimeRuntime", "400000"),
            (#""cpu_rt_period": "1400us""#, "cpuRealtimePeriod", "1400"),
            (#""cpuset": "0,1""#, "cpuset", #""0,1""#),
            (#""oom_kill_disable": true"#, "oomKillDisable", "true"),
            (#""blkio_config": {"weight": 300}"#, "blkioWeight", "300"),
            (
                #""blkio_config": {"device_read_bps": [{"path": "/dev/sda", "rate": "12mb"}]}"#, "readBps",
                #"[{"path":"/dev/sda","rate":12582912}]"#
            ),
            (
                #""blkio_config": {"weight_device": [{"path": "/dev/sda", "weight": 400}]}"#, "blkioWeightDevices",
                #"[{"path":"/dev/sda","weight":400}]"#
            ),
        ])
    func limit(_ written: String, _ name: String, _ expected: String) throws {
        let attributes = try LoweringLab(web: written).attributes()
        #expect(attributes?["limits"]?[name]?.serialized(.canonical) == expected)
    }

    @Test("no limit stands for none", arguments: [#""pids_limit": -1"#, #""mem_limit": "0""#, #""cpus": 0"#])
    func unlimited(_ written: String) throws {
        #expect(try LoweringLab(web: written).attributes()?["limits"] == nil)
    }

    @Test(
        "health checks, restarts and replacing are the container's",
        arguments: [
            (
                #""healthcheck": {"test": ["CMD", "true"], "interval": "10s", "retries": 3}"#, "healthcheck",
                #"{"interval":10000000000,"retries":3,"test":["CMD","true"]}"#
            ),
            (
                #""healthcheck": {"test": ["CMD", "true"], "start_period": "1m", "start_interval": "1s", "timeout": "2s"}"#,
                "healthcheck",
                #"{"startInterval":1000000000,"startPeriod":60000000000,"test":["CMD","true"],"timeout":2000000000}"#
            ),
            (#""healthcheck": {"disable": true}"#, "healthcheck", #"{"test":["NONE"]}"#),
            (#""restart": "unless-stopped""#, "restart", #"{"policy":"unless-stopped"}"#),
            (#""restart": "on-failure:3""#, "restart", #"{"maximumRetryCount":3,"policy":"on-failure"}"#),
            (
                #""restart": "always", "deploy": {"restart_policy": {"condition": "none"}}"#, "restart",
                #"{"policy":"no"}"#
            ),
            (
                #""deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 5}}"#, "restart",
                #"{"maximumRetryCount":5,"policy":"on-failure"}"#
            ),
            (#""deploy": {"restart_policy": {"condition": "any"}}"#, "restart", #"{"policy":"always"}"#),
            (
                #""restart": "unless-stopped", "deploy": {"restart_policy": {}}"#, "restart",
                #"{"policy":"unless-stopped"}"#
            ),
            (
                #""deploy": {"update_config": {"order": "start-first", "failure_action": "rollback", "monitor": "30s", "delay": "5s", "parallelism": 2}}"#,
                "update",
                #"{"delay":5000000000,"healthyWithin":30000000000,"onFailure":"rollBack","order":"startFirst","parallelism":2}"#
            ),
            (
                #""post_start": [{"command": ["chown", "x"], "user": "root", "privileged": true, "working_dir": "/", "environment": {"A": "b"}}]"#,
                "hooks",
                #"{"postStart":[{"command":["chown","x"],"env":{"A":"b"},"privileged":true,"user":"root","workdir":"/"}]}"#
            ),
            (
                #""pre_stop": [{"command": ["x"], "environment": {"B": null, "C": "1", "A": null}}]"#, "hooks",
                #"{"preStop":[{"command":["x"],"env":{"C":"1"},"unsetEnv":["A","B"]}]}"#
            ),
            (#""pre_stop": [{"command": ["sync"]}]"#, "hooks", #"{"preStop":[{"command":["sync"]}]}"#),
        ])
    func lifetime(_ written: String, _ name: String, _ expected: String) throws {
        let attributes = try LoweringLab(web: written).attributes()
        #expect(attributes?[name]?.serialized(.canonical) == expected)
    }

    @Test("an update waits for as long as the health check itself allows, and then for its monitor")
    func monitor() throws {
        let lab = try LoweringLab(
            web:
                #""healthcheck": {"test": ["CMD", "x"], "interval": "2s", "timeout": "1s", "retries": 2, "start_period": "5s"}, "deploy": {"update_config": {"monitor": "10s"}}"#
        )
        #expect(try lab.attributes()?["update"] == ["healthyWithin": 21_000_000_000])
    }

    @Test(
        "new privileges are as Docker has them unless the file says otherwise",
        arguments: [
            ("", #"["no-new-privileges=false"]"#),
            (#""security_opt": ["no-new-privileges:true"]"#, #"["no-new-privileges:true"]"#),
            (#""security_opt": ["seccomp=unconfined"]"#, #"["seccomp=unconfined","no-new-privileges=false"]"#),
        ])
    func privileges(_ written: String, _ expected: String) throws {
        let attributes = try LoweringLab(web: written).attributes()
        #expect(attributes?["securityOptions"]?.serialized(.canonical) == expected)
    }

    @Test(
        "an image is pulled where it is missing, unless the file says otherwise",
        arguments: [
            ("", "missing"), (#""pull_policy": "never""#, "never"), (#""pull_policy": "if_not_present""#, "missing"),
            (#""pull_policy": "always""#, "always"), (#""pull_policy": "build""#, "build"),
            (#""pull_policy": "daily""#, "missing"), (#""pull_policy": "every_2h""#, "missing"),
        ])
    func pull(_ written: String, _ expected: String) throws {
        #expect(try LoweringLab(web: written).attributes()?["pull"]?.stringValue == expected)
    }

    @Test("an attribute has the line it is written in, wherever it stands")
    func locations() throws {
        let lab = try LoweringLab(
            web:
                #""mem_limit": "1073741824", "environment": {"A": "1"}, "ports": [{"target": 80, "published": "8080"}]"#
        )
        let web = try #require(try lab.document().resources.first { $0.address.kind == .container })
        let service = try #require(lab.project.services["web"]?.map)
        #expect(web.location(of: "limits.memory") == service.entry("mem_limit")?.location)
        #expect(web.location(of: "env.A") == service["environment"]?.map?.entry("A")?.location)
        #expect(web.location(of: "ports") == service["ports"]?.list?.first?.location)
        #expect(web.location(of: "image") == service.entry("image")?.location)
        #expect(web.location == lab.project.services.entry("web")?.location)
    }

    @Test("the limits of deploy have the lines of deploy")
    func deployLocations() throws {
        let lab = try LoweringLab(
            web: #""mem_limit": "1073741824", "deploy": {"resources": {"limits": {"memory": "536870912"}}}"#)
        let web = try #require(try lab.document().resources.first { $0.address.kind == .container })
        let limits = lab.project.services["web"]?["deploy"]?["resources"]?["limits"]?.map
        #expect(web.location(of: "limits.memory") == limits?.entry("memory")?.location)
    }
}
