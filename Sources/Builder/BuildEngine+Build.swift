import Diagnostics

extension BuildEngine {
    /// Builds what is asked for.
    ///
    /// Cancelling the task ends it at any time; what was finished by then is found by the next build, nothing else is
    /// left.
    ///
    /// - Parameter events: told what happens, in order, from any thread.
    /// - Throws: `BuildFailure`. That of a step has the place in the Dockerfile, the lines around it and the last lines
    ///   its process wrote in its notes.
    package func build(_ request: BuildRequest, events: @escaping BuildEventSink) async throws -> BuildResult {
        throw BuildFailure(.failed, Diagnostic(code: BuildCode.failed, summary: "builds are not there yet"))
    }

    /// All that is kept for later builds, the last used first.
    package func usage() async throws -> [CacheRecord] { [] }

    /// Lets go what is kept for later builds.
    package func prune(_ choice: CachePruning) async throws -> CachePruningReport { CachePruningReport() }

    /// Builds of the past and those that go on, newest first.
    package func history() async throws -> [BuildHistoryEntry] { [] }

    /// One build by its id or a beginning of it that fits no other; nil where there is none.
    package func historyEntry(_ id: String) async throws -> BuildHistoryEntry? { nil }

    /// What a build told, as `--progress=plain` shows it; its middle is left out where it is long.
    package func historyLog(_ id: String) async throws -> String? { nil }

    /// Forgets builds that are over.
    ///
    /// - Parameter ids: nil for all of them.
    /// - Returns: the ids of what is forgotten.
    package func removeHistory(_ ids: [String]?) async throws -> [String] { [] }
}
