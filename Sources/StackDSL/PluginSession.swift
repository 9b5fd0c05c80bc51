import Diagnostics
import JSONText
import StackModel

/// The meeting point with the process that loads the manifest: inputs in, document out.
///
/// The loader calls `stackctl_manifest_begin`, then the manifest's `main`. This module opens and writes nothing itself,
/// so it needs no C library.
enum PluginSession {
    typealias Sink = @convention(c) (UnsafePointer<UInt8>?, Int) -> Void

    // SAFETY: a manifest's process has one thread, its filter lets it make no other; a test reads it from one as well.
    nonisolated(unsafe) private static var state = State()  // SAFETY: see above

    private struct State {
        var inputs = GivenInputs()
        var sink: Sink?
        var misuses: [Diagnostic] = []
    }

    static var inputs: GivenInputs { state.inputs }

    /// Keeps a mistake that is noticed where nothing can be returned.
    static func report(_ misuse: Diagnostic) { state.misuses.append(misuse) }

    /// The mistakes kept since the last call.
    static func takeMisuses() -> [Diagnostic] {
        defer { state.misuses = [] }
        return state.misuses
    }

    static func begin(inputs: [UInt8], sink: @escaping Sink) {
        state = State(inputs: GivenInputs(json: inputs), sink: sink)
    }

    /// Hands over nothing but what is wrong, and ends: for a mistake after which there is no value to go on with.
    static func abandon(_ problem: Diagnostic) -> Never {
        finish(with: StackDocument(name: "", diagnostics: takeMisuses() + [problem]))
        preconditionFailure("\(problem.summary)")
    }

    /// Hands the document over; without a loader it is printed, so that a manifest can be run by itself.
    static func finish(with document: StackDocument) {
        let bytes = document.json.serializedBytes(.canonical)
        if let sink = state.sink {
            bytes.withUnsafeBufferPointer { sink($0.baseAddress, $0.count) }
        } else {
            print(document.json.serialized(.pretty))
        }
    }
}

/// Called by the loader before the manifest's `main`.
///
/// `inputs` is the JSON of the given inputs, `count` its bytes; `sink` receives the document's bytes once.
@c(stackctl_manifest_begin)
public func stackctlManifestBegin(
    _ inputs: UnsafePointer<UInt8>?, _ count: Int,
    _ sink: @convention(c) (UnsafePointer<UInt8>?, Int) -> Void
) {
    PluginSession.begin(inputs: Array(UnsafeBufferPointer(start: inputs, count: max(count, 0))), sink: sink)
}
