import Compose
import Diagnostics
import HTTP
import JSONText
import OCI

/// Names images by the digests that registries have for them.
struct ImageDigests: Sendable {
    let daemon: DaemonClient
    let output: Output

    /// The project with every image named by its digest; those that are built here stay as they are.
    ///
    /// - Throws: what the registry or the daemon says of an image that cannot be found.
    func pinned(_ project: ComposeProject) async throws -> ComposeProject {
        var project = project
        var known: [String: String] = [:]
        for service in project.services.entries {
            var value = service.value
            if value["build"] == nil, let image = value["image"] {
                value = value.setting("image", to: try await pinned(image, &known))
            }
            if let steps = value["pre_start"], let list = steps.list {
                var pinnedSteps: [ComposeNode] = []
                for step in list {
                    guard let image = step["image"] else {
                        pinnedSteps.append(step)
                        continue
                    }
                    pinnedSteps.append(step.setting("image", to: try await pinned(image, &known)))
                }
                value = value.setting("pre_start", to: ComposeNode(.list(pinnedSteps), at: steps.location))
            }
            project.services[service.key] = value
        }
        return project
    }

    private func pinned(_ node: ComposeNode, _ known: inout [String: String]) async throws -> ComposeNode {
        guard let name = node.string else { return node }
        if let text = known[name] { return ComposeNode(.string(text), at: node.location) }
        let reference: ImageReference
        do {
            reference = try ImageReference(name).withDefaultTag
        } catch {
            throw Diagnostic(
                code: "SC0266", summary: "`\(name)` is no name of an image", detail: "\(error)",
                location: node.location)
        }
        var text = reference.description
        if reference.digest == nil {
            var headers = HTTPHeaders()
            if let header = await CallerCredentials.header(for: reference.domain, output) {
                headers.set("X-Registry-Auth", header)
            }
            let answer = try await daemon.get(Target("distribution", name, "json").text, headers: headers)
            guard let digest = answer["Descriptor"]?["digest"]?.stringValue else {
                throw Diagnostic(
                    code: "SC0266", summary: "the registry does not tell the digest of \(name)", location: node.location
                )
            }
            text += "@\(digest)"
        }
        known[name] = text
        return ComposeNode(.string(text), at: node.location)
    }
}

extension ComposeNode {
    /// The same map with a member set.
    fileprivate func setting(_ key: String, to node: ComposeNode) -> ComposeNode {
        guard var members = map else { return self }
        members[key] = node
        return ComposeNode(.map(members), at: location, instruction: instruction)
    }
}
