import Apply
import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore
import Testing

/// Random manifests, random meddling, random failures and crashes against a host that follows its own rules.
///
/// The oracle: however it went, recovery and one quiet apply make the host equal to the manifest, every object on it is
/// recorded, and the next plan is empty. `STACKCTL_MODEL_SEEDS` sets how many seeds are tried, a failure names its own.
@Suite struct ModelTests {
    private static let seeds: [UInt64] = {
        let count = Environment.get("STACKCTL_MODEL_SEEDS").flatMap(UInt64.init) ?? 60
        return Array(1...max(1, count))
    }()

    @Test("any history of applies, failures, crashes and meddling ends where the manifest says", arguments: seeds)
    func anyHistory(seed: UInt64) async throws {
        var dice = Dice(seed: seed)
        let bench = try Workbench()
        var document = try Self.manifest(&dice)
        for round in 0..<6 {
            if dice.chance(80) { document = try Self.manifest(&dice) }
            let crashPoint = Self.trouble(bench, &dice)
            let engine = bench.newEngine(crashPoint: crashPoint)
            _ = try? await engine.apply(document) { _ in }
            bench.host.restart()
            try await Self.settle(bench, document, "seed \(seed), round \(round)", isQuiet: dice.chance(60))
            if dice.chance(40) { Self.meddle(bench, &dice) }
        }
        try await Self.settle(bench, document, "seed \(seed), end", isQuiet: true)
        let engine = bench.newEngine()
        if try await !engine.stackNames().isEmpty {
            #expect(try await engine.destroy("shop") { _ in }.succeeded, "seed \(seed)")
        }
        #expect(bench.host.objects(of: "shop").isEmpty, "seed \(seed)")
        #expect(try await engine.stackNames().isEmpty, "seed \(seed)")
    }

    /// Recovers and, when nothing else is to go wrong, applies and compares host, record and manifest.
    private static func settle(
        _ bench: Workbench, _ document: StackDocument, _ label: String, isQuiet: Bool
    ) async throws {
        let engine = bench.newEngine()
        let found = try await engine.recover()
        #expect(found.isEmpty, "\(label): recovery says \(found)")
        guard isQuiet else { return }
        let log = EventLog()
        let summary = try await engine.apply(document) { log.add($0) }
        #expect(summary.succeeded, "\(label): \(log.diagnostics.map(\.summary))")
        #expect(try bench.orphans("shop").isEmpty, "\(label)")
        let plan = try await engine.plan(document)
        #expect(plan.isEmpty, "\(label): \(plan.changes.filter { $0.action != .noChange })")
        let there = Set(try bench.current("shop").map(\.address))
        #expect(there == Set(document.resources.map(\.address)), "\(label)")
        #expect(try bench.openSteps().isEmpty, "\(label): the journal is open")
        #expect(try await engine.drift("shop").entries.isEmpty || document.resources.isEmpty, "\(label)")
    }

    /// Puts a crash, failures or nothing in the way of the next apply.
    private static func trouble(_ bench: Workbench, _ dice: inout Dice) -> CrashPoint {
        let host = bench.host
        switch dice.number(0..<4) {
        case 0: return Killer(at: dice.number(1..<40), host).crashPoint
        case 1:
            let strokes = dice.number(0..<60)
            host.withState { $0.strokesLeft = strokes }
            return CrashPoint { if host.withState({ $0.isDead }) { throw SimulatedCrash() } }
        case 2:
            for _ in 0..<dice.number(1..<5) {
                let verb = ["create", "delete", "update", "repair", "wait"].randomElement(using: &dice) ?? "create"
                let address = Self.addresses.randomElement(using: &dice) ?? "container.a"
                host.fail("\(verb) \(address)")
            }
            return .none
        default: return .none
        }
    }

    private static let containers = ["a", "b", "c", "d", "e"]
    private static let addresses =
        ["image.x", "image.y", "network.n", "network.m", "volume.v"] + containers.map { "container.\($0)" }

    /// Changes the host behind the tool's back.
    private static func meddle(_ bench: Workbench, _ dice: inout Dice) {
        let address = addresses.randomElement(using: &dice) ?? "container.a"
        switch dice.number(0..<4) {
        case 0: bench.host.meddle(address) { $0.stopped = "exited with 137" }
        case 1: bench.host.meddle(address) { $0.damaged = "a link is missing" }
        case 2: bench.host.meddle(address) { $0.attributes.set("meddled", at: ["labels", "x"]) }
        default: if address.hasPrefix("container") { bench.host.vanish(address) }
        }
    }

    /// A stack that makes sense: containers refer to what is there, and only to earlier containers.
    private static func manifest(_ dice: inout Dice) throws -> StackDocument {
        var resources: [StackResource] = []
        func pick(_ names: [String], _ kind: String, _ attributes: (inout Dice) -> JSONObject) throws -> [String] {
            var chosen: [String] = []
            for name in names where dice.chance(65) {
                chosen.append("\(kind).\(name)")
                resources.append(try Make.resource("\(kind).\(name)", attributes(&dice)))
            }
            return chosen
        }
        let images = try pick(["x", "y"], "image") {
            ["suite": .int(Int64($0.number(0..<3))), "spelling": .int(Int64($0.number(0..<2)))]
        }
        let networks = try pick(["n", "m"], "network") { ["subnet": .int(Int64($0.number(0..<3)))] }
        let volumes = try pick(["v"], "volume") { ["owner": .int(Int64($0.number(0..<2)))] }
        var earlier: [String] = []
        for name in containers where dice.chance(70) {
            var attributes: JSONObject = [
                "limits": ["memory": .int(Int64(dice.number(1..<4)))],
                "env": ["A": .int(Int64(dice.number(0..<3)))],
            ]
            if dice.chance(50) { attributes["labels"] = ["x": .int(Int64(dice.number(0..<2)))] }
            if dice.chance(30) { attributes["stopSignal"] = .int(Int64(dice.number(0..<2))) }
            if dice.chance(30) { attributes["update"] = ["order": "startFirst"] }
            if dice.chance(40) { attributes["port"] = .int(Int64(8000 + containers.count - earlier.count)) }
            if let image = images.randomElement(using: &dice) { attributes["image"] = Make.reference(image, "id") }
            if let network = networks.randomElement(using: &dice), dice.chance(60) {
                attributes["network"] = Make.reference(network, "id")
            }
            if let volume = volumes.randomElement(using: &dice), dice.chance(40) {
                attributes["volume"] = Make.reference(volume, "id")
            }
            var after: [(String, DependencyCondition)] = []
            if let other = earlier.randomElement(using: &dice), dice.chance(60) {
                after.append((other, [.created, .started, .healthy].randomElement(using: &dice) ?? .created))
                if dice.chance(50) {
                    attributes["peer"] = Make.reference(other, dice.chance(50) ? "host" : "id")
                }
            }
            resources.append(try Make.resource("container.\(name)", attributes, after: after))
            earlier.append("container.\(name)")
        }
        return Make.stack(resources.shuffled(using: &dice))
    }
}
