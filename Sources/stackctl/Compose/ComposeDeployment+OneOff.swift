import Apply
import Compose
import Diagnostics
import JSONText
import Linux
import StackModel

extension ComposeDeployment {
    /// Makes what a container of `run` needs: images, networks, volumes, and what its service depends on.
    ///
    /// - Returns: the attributes of the service's container, with all that they refer to; nil under `--dry-run`, where
    ///   nothing was made.
    func supply(_ service: String) async throws -> JSONObject? {
        let code = try await pullDue()
        guard code == .success, try await pullMissing(service) == .success else { throw Self.failed(service) }
        try await stack.checkIsProject()
        let document = try await document()
        guard
            let resource = document.resources.first(where: {
                $0.address.kind == .container && $0.address.name == service
            })
        else { throw Self.failed(service) }
        var scope = PlanScope()
        scope.targets = needs(of: service, document)
        scope.keepsExisting = request.keepsExisting
        if scope.targets?.isEmpty == false {
            let planned = try await stack.plan(document, scope)
            if !planned.plan.isEmpty { stack.show(planned.plan, isShort: true) }
            if !session.isDryRun, !planned.plan.isEmpty {
                try await stack.agree(to: planned.plan)
                guard try await stack.apply(planned) == .success else { throw Self.failed(service) }
            }
        }
        guard !session.isDryRun else { return nil }
        if !request.ignoresDependencies {
            try await ComposeReadiness(session, target).waitForDependencies(of: service, labelled: [])
        }
        return try await resolved(resource)
    }

    /// Pulls the service's own image where it is not here: its container is in no plan.
    private func pullMissing(_ service: String) async throws -> ExitCode {
        guard let item = project.services[service].flatMap({ ComposePulling.Item(service, $0) }), !item.isBuildable,
            !["never", "build"].contains(request.pullPolicy ?? item.policy)
        else { return .success }
        let missing = try await ComposePullCommand.missing([item], session)
        return try await ComposePulling(session: session, isQuiet: request.pullsQuietly).pull(missing)
    }

    private static func failed(_ service: String) -> Diagnostic {
        Diagnostic(
            code: "SC0237", summary: "what \(service) needs could not be made, so it was not run",
            hint: "the reasons are above; --no-deps leaves out what it depends on")
    }

    /// The containers that the service depends on, and what all of them refer to.
    private func needs(of service: String, _ document: StackDocument) -> Set<ResourceAddress> {
        let others = request.ignoresDependencies ? [] : reached.filter { $0 != service }
        let own = ResourceAddress(kind: .container, name: service)
        var targets = closure(containers(of: others, document).union([own]), document)
        targets.remove(own)
        return targets
    }

    /// The attributes with what the stack has recorded in place of references.
    private func resolved(_ resource: StackResource) async throws -> JSONObject {
        let value = JSONValue.object(resource.attributes)
        guard !StackReference.references(in: value).isEmpty else { return resource.attributes }
        let shown = try await session.daemon().get(Target("stacks", project.name).text)
        let resources = shown["resources"]?.arrayValue ?? []
        do {
            let found = try StackReference.resolve(value) { reference in
                let address = reference.address
                let names = [address, ResourceAddress(kind: address.kind, name: address.name, index: 1)]
                    .map { JSONValue.string($0.description) }
                guard let object = resources.first(where: { names.contains($0["address"] ?? .null) }) else {
                    return nil
                }
                var outputs = object["outputs"]
                for key in reference.attribute.split(separator: ".") { outputs = outputs?[String(key)] }
                return outputs ?? (reference.attribute == "id" ? object["object"] : nil)
            }
            return found.objectValue ?? resource.attributes
        } catch {
            let missing = error.references.map(\.address.description).joined(separator: ", ")
            throw Diagnostic(
                code: "SC0237", summary: "\(resource.address.name) needs \(missing), which is not there",
                hint: "make it: stackctl compose up -d")
        }
    }
}
