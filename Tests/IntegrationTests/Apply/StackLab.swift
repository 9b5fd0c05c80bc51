import Apply
import Diagnostics
import JSONText
import Linux
import StackModel
import Synchronization
import Testing

@testable import Engine
@testable import Providers

/// Stacks over an engine of their own, given as attributes by address.
final class StackLab: Sendable {
    let host: EngineLab
    let stack = "shop"
    private let told = Mutex<[String]>([])

    init() async throws { host = try await EngineLab() }

    var stacks: StackEngine {
        get async throws {
            let engine = try await host.engine
            return StackEngine(database: engine.database, providers: EngineProviders.all(engine))
        }
    }

    /// What progress has said since it was asked last.
    var progress: [String] {
        told.withLock { told in
            defer { told = [] }
            return told
        }
    }

    func document(_ resources: [String: JSONObject]) throws -> StackDocument {
        let location = Diagnostics.SourceLocation(file: "compose.yaml", line: 1)
        return StackDocument(
            name: stack,
            resources: try resources.sorted { $0.key < $1.key }.map { name, attributes in
                StackResource(
                    address: try #require(ResourceAddress(name)), attributes: attributes, location: location)
            }.sorted { $0.address < $1.address })
    }

    /// What an apply would do, as `action address: path, path`.
    func plan(_ resources: [String: JSONObject]) async throws -> (lines: [String], notes: [String]) {
        let plan = try await stacks.plan(try document(resources))
        let lines = plan.changes.filter { $0.action != .noChange }.map { change in
            let reasons = change.reasons.map { $0.note ?? $0.path }.sorted()
            return "\(change.action.rawValue) \(change.address) \(change.changeClass.name): "
                + reasons.joined(separator: ", ")
        }
        return (lines, plan.diagnostics.map(\.summary))
    }

    /// Applies, and expects that nothing is left to do.
    @discardableResult
    func apply(_ resources: [String: JSONObject], at place: Testing.SourceLocation = #_sourceLocation) async throws
        -> ApplySummary
    {
        let summary = try await attempt(resources)
        #expect(summary.failures == [], sourceLocation: place)
        #expect(try await plan(resources).lines == [], sourceLocation: place)
        return summary.summary
    }

    /// Applies, whatever comes of it.
    func attempt(_ resources: [String: JSONObject]) async throws -> (summary: ApplySummary, failures: [String]) {
        let failures = Mutex<[String]>([])
        let summary = try await stacks.apply(try document(resources)) { event in
            switch event {
            case .stepFailed(_, let diagnostic):
                failures.withLock { $0.append("\(diagnostic.summary): \(diagnostic.detail ?? "")") }
            case .stepProgress(let update): self.told.withLock { $0.append(update.message) }
            case .diagnostic(let diagnostic): self.told.withLock { $0.append(diagnostic.summary) }
            default: break
            }
        }
        return (summary, failures.withLock { $0 })
    }

    /// The summaries of what stands in the way of a plan.
    func problems(_ resources: [String: JSONObject]) async throws -> [String] {
        do {
            _ = try await stacks.plan(try document(resources))
            return []
        } catch let error as DiagnosticList {
            return error.diagnostics.filter { $0.severity == .error }.map { "\($0.code) \($0.summary)" }
        }
    }

    func container(_ name: String) async throws -> Container { try await host.engine.containers.find(name) }

    /// What a program in a container prints.
    func run(_ container: String, _ arguments: String...) async throws -> String {
        try await host.docker(words: ["exec", container] + arguments).out.trimmingLast
    }

    /// Destroys the stack where there is one, and takes the engine down.
    func takeDown() async throws {
        if try await stacks.stackNames().contains(stack) { try await stacks.destroy(stack) { _ in } }
        try await host.takeDown()
    }

    /// A container that does nothing until it is told to end.
    static func sleeper(_ more: JSONObject = JSONObject()) -> JSONObject {
        var attributes: JSONObject = ["image": "busybox", "command": ["sleep", "1000"], "stopSignal": "SIGKILL"]
        for (key, value) in more { attributes[key] = value }
        return attributes
    }
}

extension String {
    /// Without the last line's end.
    fileprivate var trimmingLast: String { hasSuffix("\n") ? String(dropLast()) : self }
}
