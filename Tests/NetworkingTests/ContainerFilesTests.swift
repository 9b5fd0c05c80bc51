import Linux
import Testing

@testable import Networking

@Suite("Files that names are read from")
struct ContainerFilesTests {
    @Test("resolv.conf leads to the container's own resolver and asks for short names as they are")
    func resolvConf() {
        #expect(ContainerFiles.resolvConf() == "nameserver 127.0.0.11\noptions ndots:0\n")
        #expect(
            ContainerFiles.resolvConf(search: ["a.example", "b.example"], options: [])
                == "nameserver 127.0.0.11\nsearch a.example b.example\n")
    }

    @Test("the host's search domains are those of the last line that has any, and names only")
    func searchDomains() {
        let text = "domain old.example\nnameserver 9.9.9.9\nsearch\tcorp.example  lab.example. . a..b\n"
        #expect(ContainerFiles.searchDomains(inResolvConf: text) == ["corp.example", "lab.example."])
        #expect(ContainerFiles.searchDomains(inResolvConf: "domain home.example\n") == ["home.example"])
        #expect(ContainerFiles.searchDomains(inResolvConf: "search x\nsearch .\n") == [])
        #expect(ContainerFiles.searchDomains(inResolvConf: "") == [])
    }

    @Test("hosts names the container at each of its addresses, behind what was added")
    func hosts() throws {
        let text = ContainerFiles.hosts(
            hostname: "web.example", addresses: [try #require(IPAddress("10.1.0.2"))], extra: [("10.1.0.1", "gate")])
        #expect(text.hasPrefix("127.0.0.1\tlocalhost\n"))
        #expect(text.hasSuffix("10.1.0.1\tgate\n10.1.0.2\tweb.example web\n"))
        #expect(ContainerFiles.hosts(hostname: "web", addresses: [.loopback]).hasSuffix("127.0.0.1\tweb\n"))
    }

    @Test("the host's resolvers are read from its resolv.conf, three at most")
    func resolvers() {
        let text =
            "# nameserver 9.9.9.9\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\nsearch a\nnameserver 3\nnameserver 4\n"
        #expect(ContainerFiles.resolvers(inResolvConf: text) == ["192.0.2.1", "2001:db8::1", "3"])
    }
}
