import Compose
import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@Suite("what of compose files is not honoured")
struct LoweringRefusalTests {
    @Test(
        "what cannot be honoured is refused by name and line",
        arguments: [
            (#""provider": {"type": "x"}"#, "SC2410"), (#""models": {"llm": null}"#, "SC2411"),
            (#""isolation": "hyperv""#, "SC2412"), (#""credential_spec": {"file": "x"}"#, "SC2412"),
            (#""cpu_count": 2"#, "SC2412"), (#""cpu_percent": 50"#, "SC2412"),
            (#""storage_opt": {"size": "1G"}"#, "SC2413"),
            (#""volumes": [{"type": "npipe", "target": "/a"}]"#, "SC2415"),
            (#""volumes": [{"type": "cluster", "source": "x", "target": "/a"}]"#, "SC2415"),
            (#""volumes": [{"type": "volume", "source": "nowhere", "target": "/a"}]"#, "SC2423"),
            (#""logging": {"driver": "awslogs"}"#, "SC2416"),
            (#""container_name": "x", "scale": 2"#, "SC2421"),
            (#""scale": 5000"#, "SC2421"), (#""image": "a[b", "build": {"context": "/x"}"#, "SC2401"),
            (#""scale": 2, "x-stackctl": {"numbered": false}"#, "SC2421"),
            (#""ports": [{"target": 80, "published": "80"}], "scale": 2"#, "SC2427"),
            (#""ports": [{"target": 80, "published": "80-81"}], "scale": 3"#, "SC2427"),
            (#""pid": "service:none""#, "SC2423"),
            (#""security_opt": ["seccomp=profile.json"]"#, "SC2424"), (#""nonsense": 1"#, "SC2400"),
            (#""healthcheck": {"tests": []}"#, "SC2400"), (#""cpus": "many""#, "SC2401"),
            (#""command": "text""#, "SC2401"), (#""mem_limit": "big""#, "SC2401"),
            (#""restart": "on-failure:x""#, "SC2401"),
            (#""depends_on": {"gone": {"condition": "service_started"}}"#, "SC2423"),
            (#""secrets": [{"source": "gone"}]"#, "SC2423"),
            (#""build": {"context": "https://x.test/a.git"}"#, "SC2419"),
            (#""build": {"context": "/x", "isolation": "hyperv"}"#, "SC2412"), (#""expose": ["x"]"#, "SC2401"),
            (#""ports": [{"target": 80, "published": "9-8"}]"#, "SC2401"), (#""pull_policy": "often""#, "SC2401"),
            (#""security_opt": ["systempaths=unconfined"]"#, "SC2426"), (#""post_start": [{}]"#, "SC2401"),
            (#""x-stackctl": {"oneshot": true}"#, "SC2400"),
        ])
    func refused(_ written: String, _ code: String) throws {
        let lab = try LoweringLab(web: written)
        let error = #expect(throws: DiagnosticList.self) { try lab.document() }
        let diagnostic = try #require(error?.diagnostics.first { $0.severity == .error })
        #expect(diagnostic.code == code, "\(diagnostic.summary)")
        #expect(diagnostic.location != nil && diagnostic.summary.contains("web"))
    }

    @Test(
        "what means nothing here is told, and the rest is done",
        arguments: [
            (#""deploy": {"placement": {"constraints": ["x"]}}"#, "SC2450"),
            (#""deploy": {"endpoint_mode": "vip"}"#, "SC2450"), (#""deploy": {"mode": "global"}"#, "SC2450"),
            (#""deploy": {"labels": {"a": "b"}}"#, "SC2450"), (#""deploy": {"rollback_config": {}}"#, "SC2450"),
            (#""deploy": {"update_config": {"max_failure_ratio": 0.5}}"#, "SC2450"),
            (#""deploy": {"restart_policy": {"condition": "any", "delay": "5s"}}"#, "SC2450"),
            (#""deploy": {"restart_policy": {}}"#, "SC2450"),
            (#""deploy": {"resources": {"reservations": {"cpus": "0.5"}}}"#, "SC2450"),
            (#""deploy": {"resources": {"reservations": {"generic_resources": []}}}"#, "SC2450"),
            (#""volumes": [{"type": "bind", "source": "/a", "target": "/a", "consistency": "cached"}]"#, "SC2451"),
            (#""volumes": [{"type": "bind", "source": "/a", "target": "/a", "bind": {"selinux": "z"}}]"#, "SC2451"),
            (
                #""volumes": [{"type": "bind", "source": "/a", "target": "/a", "bind": {"recursive": "writable"}}]"#,
                "SC2451"
            ),
            (#""build": {"context": "/x", "provenance": "true"}"#, "SC2452"),
            (#""build": {"context": "/x", "sbom": true}"#, "SC2452"),
            (#""use_api_socket": true"#, "SC2459"),
            (#""restart": "always", "x-stackctl": {"one-shot": true}"#, "SC2454"),
            (#""volumes": [{"type": "volume", "target": "/a"}], "pre_start": [{"command": ["x"]}]"#, "SC2456"),
        ])
    func warned(_ written: String, _ code: String) throws {
        let document = try LoweringLab(web: written).document()
        #expect(document.diagnostics.map(\.code) == [code])
        #expect(document.diagnostics.allSatisfy { $0.severity == .warning && $0.location != nil })
    }

    @Test("a warning about one attribute is given once, with every place")
    func once() throws {
        let mount = { (target: String) in
            #"{"type": "bind", "source": "/a", "target": "\#(target)", "consistency": "cached"}"#
        }
        let document = try LoweringLab(web: #""volumes": [\#(mount("/a")), \#(mount("/b"))]"#).document()
        #expect(document.diagnostics.count == 1 && document.diagnostics[0].notes.count == 1)
    }

    @Test(
        "networks and volumes of clusters are refused",
        arguments: [
            (#""networks": {"default": {"driver": "overlay"}}"#, "SC2414"),
            (#""networks": {"default": {"enable_ipv4": false}}"#, "SC2414"),
            (#""networks": {"default": {"ipam": {"driver": "x"}}}"#, "SC2414"),
            (
                #""networks": {"default": {"ipam": {"config": [{"subnet": "10.1.0.0/16"}, {"subnet": "10.2.0.0/16"}]}}}"#,
                "SC2414"
            ),
            (#""volumes": {"data": {"driver": "rexray"}}"#, "SC2415"),
        ])
    func shared(_ written: String, _ code: String) throws {
        let lab = try LoweringLab(
            #"{"services": {"web": {"image": "nginx", "networks": {"default": null}}}, \#(written)\#(written.contains("networks") ? "" : #", "networks": {"default": {}}"#)}"#
        )
        #expect(lab.codes() == [code])
    }

    @Test(
        "secrets that cannot be had are refused",
        arguments: [
            #"{"external": true, "name": "x"}"#, #"{"environment": "UNSET"}"#, #"{"file": "/x", "driver": "vault"}"#,
        ])
    func secret(_ written: String) throws {
        let lab = try LoweringLab(
            web: #""secrets": [{"source": "s"}]"#, with: #""secrets": {"s": \#(written)}"#)
        #expect(lab.codes().allSatisfy { ["SC2417", "SC2418"].contains($0) } && !lab.codes().isEmpty)
    }

    @Test("variables of secrets and configs may be unset in a document that is only looked at")
    func lookedAt() throws {
        let lab = try LoweringLab(
            web: #""secrets": [{"source": "s"}], "configs": [{"source": "c"}]"#,
            with: #""secrets": {"s": {"environment": "NONE"}}, "configs": {"c": {"environment": "NONE"}}"#)
        var options = LoweringOptions()
        options.onlyLooks = true
        let document = try lab.project.document(options, seal: nil)
        #expect(document.resources.last?.attributes["files"]?.arrayValue?.count == 2)
        // A manifest that is made of it is applied, though nothing is sealed for it.
        #expect(throws: DiagnosticList.self) { try lab.project.document(seal: nil) }
        #expect(lab.codes() == ["SC2418", "SC2418"])
    }

    @Test("ports of a service in the host's network are not published, which is told")
    func hostPorts() throws {
        let lab = try LoweringLab(
            #"{"services": {"web": {"image": "x", "network_mode": "host", "ports": [{"target": 80, "published": "80"}]}}}"#
        )
        #expect(lab.codes() == ["SC2458"])
        #expect(try lab.attributes()?["ports"] == nil)
    }

    @Test("labels of secrets go nowhere, which is told")
    func secretLabels() throws {
        let lab = try LoweringLab(web: "", with: #""secrets": {"s": {"file": "/x", "labels": {"a": "b"}}}"#)
        #expect(lab.codes() == ["SC2450"])
    }

    @Test("an image that two services build differently is refused")
    func images() throws {
        let lab = try LoweringLab(
            #"{"services": {"a": {"image": "x", "network_mode": "none", "build": {"context": "/a"}}, "b": {"image": "x:latest", "network_mode": "none", "build": {"context": "/b"}}}}"#
        )
        #expect(lab.codes() == ["SC2422"])
    }

    @Test("a document that is only looked at needs no seals")
    func unsealed() throws {
        let lab = try LoweringLab(
            #"{"services": {"web": {"image": "nginx", "network_mode": "none", "secrets": [{"source": "s"}]}}, "secrets": {"s": {"environment": "S"}}, "environment": {"S": "x"}}"#
        )
        #expect(throws: DiagnosticList.self) { try lab.document() }
        #expect(try lab.document(seal: nil).resources[0].attributes["files"]?.arrayValue?.first?["sealed"] == "")
    }

    @Test("the page about compose files names every code there is, and no other")
    func page() throws {
        let root = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }
        var codes: Set<String> = []
        for folder in ["Lowering", "Writing"] {
            for file in try Files.list("\(root)/Sources/Compose/\(folder)") {
                codes.formUnion(Self.codes(in: try Files.readText("\(root)/Sources/Compose/\(folder)/\(file.name)")))
            }
        }
        #expect(codes == Self.codes(in: try Files.readText("\(root)/docs/compose.md")))
    }

    private static func codes(in text: String) -> Set<String> {
        Set(text.matches(of: /SC24[0-9][0-9]/).map { String($0.output) })
    }
}
