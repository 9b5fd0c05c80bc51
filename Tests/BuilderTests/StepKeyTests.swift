import Dockerfile
import Linux
import OCI
import Testing

@testable import Builder

@Suite("Keys of steps")
struct StepKeyTests {
    private func key(_ run: EvaluatedRun) -> String {
        let key = StepKey("run 1")
        key.add(run)
        return key.finish()
    }

    @Test("no two lists of values give the same key")
    func lengths() {
        let one = StepKey("x")
        one.add("a", ["bc", "d"])
        let two = StepKey("x")
        two.add("a", ["b", "cd"])
        let three = StepKey("x")
        three.add("a", ["bcd"])
        let keys = [one, two, three].map { $0.finish() }
        #expect(Set(keys).count == 3 && keys.allSatisfy { Digest($0) != nil })
    }

    @Test("proxies are in no key; arguments, variables, mounts and secrets' ids are")
    func run() {
        var base = EvaluatedRun(arguments: ["/bin/sh", "-c", "make"])
        base.environment = ["A=1"]
        var changed = base
        changed.hiddenEnvironment = ["HTTP_PROXY=http://secret@proxy"]
        #expect(key(changed) == key(base))
        var keys = [key(base)]
        for change in [
            { $0.environment = ["A=2"] }, { $0.script = "x" }, { $0.arguments.append("x") }, { $0.isInsecure = true },
        ] as [(inout EvaluatedRun) -> Void] {
            var other = base
            change(&other)
            keys.append(key(other))
        }
        for kind in EvaluatedMount.Kind.allCases {
            var other = base
            other.mounts = [EvaluatedMount(kind: kind, target: "/m")]
            keys.append(key(other))
            other.mounts[0].id = "token"
            keys.append(key(other))
        }
        #expect(Set(keys).count == keys.count)
    }

    @Test("every option of a copy is in its key")
    func transfer() {
        func key(_ change: (inout EvaluatedTransfer) -> Void) -> String {
            var transfer = EvaluatedTransfer(isAdd: false, sources: [.path("a")], destination: "/b")
            change(&transfer)
            let key = StepKey("transfer 1")
            key.add(transfer)
            return key.finish()
        }
        let keys = [
            key { _ in }, key { $0.isAdd = true }, key { $0.sources = [.path("b")] }, key { $0.destination = "/c" },
            key { $0.owner = "1" }, key { $0.mode = "755" }, key { $0.isLinked = true }, key { $0.keepsParents = true },
            key { $0.excluded = ["x"] }, key { $0.checksum = "sha256:1" }, key { $0.keepsGitDirectory = true },
            key { $0.unpacks = true }, key { $0.unpacks = false }, key { $0.sources = [.web("a")] },
            key { $0.sources = [.inline(name: "a", content: "b")] },
        ]
        #expect(Set(keys).count == keys.count)
    }
}
