import Builder
import Diagnostics
import Dockerfile
import JSONText
import OCI
import Synchronization

/// Writes what a build tells as Docker's classic builder would.
///
/// That builder takes one step after the other; ours does not. Steps are told in the order of the Dockerfile: what a
/// later one writes waits for those before it. There are no images of single steps here, so the lines with their ids
/// are left out but for the last.
///
/// Source: moby, builder/dockerfile; `docker build` and docker-py read these lines.
final class ClassicBuildLines: Sendable {
    private let state: Mutex<State>
    private let isQuiet: Bool
    /// Bytes of a step's output that wait for the steps before it; more is left out.
    fileprivate static let patience = 1 << 20
    /// Lines that a quiet build keeps for the case that it fails.
    private static let quietLines = 10_000

    fileprivate enum Phase { case waiting, running, cached, over, failed }

    fileprivate struct Progress {
        var step: Int?
        var phase = Phase.waiting
        var hasHeader = false
        var held: [JSONObject] = []
        var heldBytes = 0
    }

    fileprivate struct State {
        let script: ClassicScript
        var progress: [Progress]
        /// The first step that is not told to its end.
        var current = 0
        var entries: [Int: Int] = [:]
        var names: [Int: String] = [:]
        /// The last step of each stage that has begun.
        var reached: [Int: Int] = [:]
        var byLine: [Int: Int] = [:]
        var isOver = false
        /// What a quiet build does not tell unless it fails.
        var quiet: [JSONObject] = []
    }

    /// - Parameter isQuiet: whether nothing but the image's id is told.
    init(_ script: ClassicScript, isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        var state = State(script: script, progress: script.entries.map { _ in Progress() })
        for (index, entry) in script.entries.enumerated() where state.byLine[entry.line] == nil {
            state.byLine[entry.line] = index
        }
        self.state = Mutex(state)
    }

    /// The lines that an event is worth.
    func take(_ event: BuildEvent) -> [JSONObject] {
        state.withLock { state in
            let lines = Self.lines(event, &state)
            guard isQuiet else { return lines }
            // Told only where the build fails.
            state.quiet = (state.quiet + lines).suffix(Self.quietLines)
            return []
        }
    }

    private static func lines(_ event: BuildEvent, _ state: inout State) -> [JSONObject] {
        switch event {
        case .step(let step):
            state.take(step)
            return state.advance()
        case .log(let step, let isError, let bytes):
            return state.hold([output(bytes, isError: isError)], bytes.count, of: step)
        case .progress(let progress): return state.hold(pulled(progress), 0, of: progress.step)
        case .warning(let diagnostic): return [["stream": .string("[Warning] \(diagnostic.summary)\n")]]
        }
    }

    /// The last lines of a build that succeeded.
    func finish(_ result: BuildResult) -> [JSONObject] {
        let id = result.imageID
        guard !isQuiet else { return [["stream": .string("\(id?.description ?? "")\n")]] }
        var lines = state.withLock { state in
            state.isOver = true
            return state.advance()
        }
        guard let id else { return lines }
        lines.append(["stream": .string(" ---> \(id.shortHex)\n")])
        lines.append(["aux": ["ID": .string(id.description)]])
        lines.append(["stream": .string("Successfully built \(id.shortHex)\n")])
        lines += result.references.map { ["stream": .string("Successfully tagged \($0.familiar)\n")] }
        return lines
    }

    /// What was held back of the step that failed, and of those before it.
    func flush() -> [JSONObject] {
        state.withLock { state in
            defer { state.quiet = [] }
            return state.quiet + state.flush()
        }
    }

    /// The line that says why a build failed.
    func failure(_ error: any Error) -> JSONObject {
        let (_, message, diagnostics) = APIFailure.parts(error)
        var text = message
        var detail = JSONObject()
        if let failure = error as? BuildFailure {
            text = Self.sentence(failure)
            if case .process(let code) = failure.kind {
                detail["code"] = .int(Int64(code))
                if let command = state.withLock({ $0.failedCommand }) {
                    text = "The command '\(command)' returned a non-zero code: \(code)"
                }
            }
        }
        detail["message"] = .string(text)
        var line: JSONObject = ["errorDetail": .object(detail), "error": .string(text)]
        if !diagnostics.isEmpty { line["diagnostics"] = .array(diagnostics.map(\.json)) }
        return line
    }

    /// What is wrong, in one line, and below it the place in the Dockerfile: Docker's clients show no more than this
    /// text.
    static func sentence(_ failure: BuildFailure) -> String {
        guard let first = failure.diagnostics.first(where: { $0.severity == .error }) ?? failure.diagnostics.first
        else { return failure.message }
        var text = first.summary
        if let detail = first.detail, !detail.contains("\n"), !text.contains(detail) { text += ": \(detail)" }
        if let hint = first.hint, !text.contains(hint) { text += " (\(hint))" }
        guard let place = first.location else { return text }
        let excerpt = first.notes.first { $0.hasPrefix("\(place.file):\(place.line)\n") }
        let source = first.detail.flatMap { $0.contains("\n") ? "\(place)\n\($0)" : nil }
        let lines = (excerpt ?? source ?? place.description).split(separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.map { $0.count > longestLine ? "\($0.prefix(longestLine))…" : String($0) }
        return "\(text)\n\(shown.joined(separator: "\n"))"
    }

    /// Characters of a line of the Dockerfile that are shown.
    private static let longestLine = 200

    /// What a process wrote; its errors are red, as Docker has them.
    private static func output(_ bytes: [UInt8], isError: Bool) -> JSONObject {
        let text = String(decoding: bytes, as: UTF8.self)
        return ["stream": .string(isError ? "\u{1B}[91m\(text)\u{1B}[0m" : text)]
    }

    /// A layer that comes.
    private static func pulled(_ progress: BuildEvent.Progress) -> [JSONObject] {
        guard let digest = Digest(progress.name) else { return [] }
        let id = JSONValue.string(digest.shortHex)
        if progress.isDone { return [["status": "Pull complete", "progressDetail": [:], "id": id]] }
        guard progress.current > 0 else {
            return [["status": "Pulling fs layer", "progressDetail": [:], "id": id]]
        }
        return [
            [
                "status": "Downloading",
                "progressDetail": ["current": .int(progress.current), "total": .int(progress.total)], "id": id,
            ]
        ]
    }
}

extension ClassicBuildLines.State {
    /// What the step that failed runs.
    fileprivate var failedCommand: String? {
        let index = progress.firstIndex { $0.phase == .failed }
        return index.flatMap { script.entries[$0].command }
    }

    fileprivate mutating func take(_ step: BuildEvent.Step) {
        guard let index = step.span.flatMap({ byLine[$0.firstLine] }) else { return }
        entries[step.id] = index
        progress[index].step = step.id
        switch step.phase {
        case .waiting: return
        case .started: progress[index].phase = .running
        case .cached: progress[index].phase = .cached
        case .done: progress[index].phase = progress[index].phase == .cached ? .cached : .over
        case .failed: progress[index].phase = .failed
        case .cancelled: return
        }
        let stage = script.entries[index].stage
        reached[stage] = max(reached[stage] ?? 0, index)
    }

    /// Keeps lines of a step until those before it are told, or gives them at once where it is its turn.
    fileprivate mutating func hold(_ lines: [JSONObject], _ bytes: Int, of step: Int) -> [JSONObject] {
        guard !lines.isEmpty else { return [] }
        guard let index = entries[step] else {
            // An instruction of the base image's ONBUILD is on no line of this file.
            return bytes > 0 ? lines : []
        }
        if index == current, progress[index].hasHeader { return lines }
        guard progress[index].heldBytes >= 0 else { return [] }
        progress[index].heldBytes += bytes
        if progress[index].heldBytes > ClassicBuildLines.patience {
            progress[index].held.append(["stream": "\n[the rest of the output is left out]\n"])
            progress[index].heldBytes = -1
        } else {
            progress[index].held += lines
        }
        return []
    }

    /// The lines of the steps whose turn it is.
    fileprivate mutating func advance() -> [JSONObject] {
        var lines: [JSONObject] = []
        while current < progress.count {
            guard progress[current].step != nil else {
                // What only changes the configuration is over when something after it has begun.
                let entry = script.entries[current]
                guard isOver || entry.stage < 0 || (reached[entry.stage] ?? -1) > current else { return lines }
                lines += header(current)
                current += 1
                continue
            }
            switch progress[current].phase {
            case .waiting where !isOver: return lines
            case .running where !isOver, .failed:
                lines += header(current) + release(current)
                return lines
            case .cached:
                lines += header(current) + release(current) + [["stream": " ---> Using cache\n"]]
            case .over, .waiting, .running: lines += header(current) + release(current)
            }
            current += 1
        }
        return lines
    }

    /// The lines of all steps that have begun, the one that failed last.
    fileprivate mutating func flush() -> [JSONObject] {
        var lines = advance()
        let failed = progress.firstIndex { $0.phase == .failed }
        let begun = progress.indices.filter { $0 >= current && $0 != failed && !progress[$0].held.isEmpty }
        for index in begun + (failed.map { [$0] } ?? []) { lines += header(index) + release(index) }
        return lines
    }

    private mutating func header(_ index: Int) -> [JSONObject] {
        guard !progress[index].hasHeader else { return [] }
        progress[index].hasHeader = true
        let text = "Step \(index + 1)/\(progress.count) : \(script.entries[index].text)\n"
        return [["stream": .string(text)]]
    }

    private mutating func release(_ index: Int) -> [JSONObject] {
        defer { progress[index].held = [] }
        return progress[index].held
    }
}
