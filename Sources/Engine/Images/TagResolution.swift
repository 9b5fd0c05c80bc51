import Diagnostics
import ImageStore
import OCI
import Registry

/// Finds out which digest the image tags of a manifest mean.
package struct TagResolution: Sendable {
    /// A tag and the resource that names it.
    package struct Request: Sendable {
        package var tag: String
        package var address: String?
        package var location: SourceLocation?

        package init(tag: String, address: String?, location: SourceLocation?) {
            self.tag = tag
            self.address = address
            self.location = location
        }
    }

    private let engine: HostEngine
    /// Registries asked at a time.
    private static let width = 8

    package init(engine: HostEngine) {
        self.engine = engine
    }

    /// The digests of tags.
    ///
    /// What was recorded counts first, then what the image of the local store was pulled by, then the registry. A tag of
    /// an image that came from no registry has none.
    ///
    /// - Parameters:
    ///   - recorded: what tags meant before.
    ///   - upgrade: whether to ask registries for what the tags mean there now.
    /// - Throws: `DiagnosticList` with each tag that nobody knows.
    package func digests(
        _ requests: [Request], recorded: [String: Digest], upgrade: Bool
    ) async throws -> [String: Digest] {
        var found: [String: Digest] = [:]
        var problems: [Diagnostic] = []
        try await withThrowingTaskGroup(of: (String, Digest?, Diagnostic?).self) { tasks in
            func collect(_ answer: (tag: String, digest: Digest?, problem: Diagnostic?)) {
                found[answer.tag] = answer.digest
                if let problem = answer.problem { problems.append(problem) }
            }
            for (index, request) in requests.enumerated() {
                if index >= Self.width, let answer = try await tasks.next() { collect(answer) }
                tasks.addTask { await answer(request, recorded[request.tag], upgrade) }
            }
            for try await answer in tasks { collect(answer) }
        }
        if !problems.isEmpty { throw DiagnosticList(DiagnosticList(problems).sorted) }
        return found
    }

    private func answer(
        _ request: Request, _ recorded: Digest?, _ upgrade: Bool
    ) async -> (String, Digest?, Diagnostic?) {
        do {
            let digest = try await digest(of: request.tag, recorded, upgrade)
            return (request.tag, digest, nil)
        } catch {
            return (request.tag, nil, problem(request, error))
        }
    }

    private func digest(of tag: String, _ recorded: Digest?, _ upgrade: Bool) async throws -> Digest? {
        if let recorded, !upgrade { return recorded }
        guard !tag.hasPrefix("sha256:"), let reference = try? ImageReference(tag) else { return nil }
        if let image = try await engine.images.resolve(tag) {
            let pulled = image.repoDigests.first { $0.repository == reference.repository }?.digest
            // Made or loaded here: no registry has a say in it.
            guard pulled != nil || recorded != nil else { return nil }
            if let pulled, !upgrade { return pulled }
        }
        return try await engine.resolveRemote(reference, access: .caller).digest
    }

    private func problem(_ request: Request, _ error: any Error) -> Diagnostic {
        let said: String
        switch error {
        case let error as EngineError: said = error.message
        case let diagnostic as Diagnostic: said = diagnostic.summary
        default: said = "\(error)"
        }
        return Diagnostic(
            code: "SC5138", summary: "there is no image \(request.tag) here, and its registry does not give it",
            detail: said,
            hint:
                "see what there is with: stackctl images; an image of the stack is passed as a value, not by its name",
            address: request.address, location: request.location)
    }
}
