import Diagnostics
import StackModel

extension ComposeProject {
    /// The project as the document that is planned and applied.
    ///
    /// - Parameters:
    ///   - seal: the sealed text of each of `valuesToSeal`; nil seals nothing, for a document that is only looked at.
    ///   - files: where seccomp profiles are read from; without it a service that names one is refused.
    /// - Throws: everything that cannot be done, by name and line. What is not honoured is a warning of the document.
    package func document(
        _ options: LoweringOptions = LoweringOptions(), seal: [String: String]? = [:],
        files: (any ComposeFiles)? = nil
    ) throws(DiagnosticList) -> StackDocument {
        let findings = LoweringFindings()
        let context = LoweringContext(self, options, sealed: seal, files: files, findings)
        var resources = context.imageResources()
        resources += networks.entries.filter { isUsed($0) }.map { entry in
            var lowering = SharedLowering(context, .network, entry)
            return lowering.resource()
        }
        // Data outlives the services that use it: what is declared stays.
        let declared = volumes.entries + (unused[.volumes]?.entries ?? []).filter { volumes.entry($0.key) == nil }
        resources += declared.filter { !$0.value.isExternal }.map { entry in
            var lowering = SharedLowering(context, .volume, entry)
            return lowering.resource()
        }
        for service in services.entries {
            var lowering = ServiceLowering(context, service)
            resources += lowering.containers()
        }
        context.checkFiles()
        if DiagnosticList(findings.all).hasErrors { throw DiagnosticList(findings.all) }
        return StackDocument(name: name, resources: resources, diagnostics: diagnostics + findings.all)
    }

    /// Whether a network is the project's own, and a service is in it.
    private func isUsed(_ network: ComposeMap.Entry) -> Bool {
        guard !network.value.isExternal else { return false }
        return services.entries.contains { $0.value["networks"]?.map?.entry(network.key) != nil }
    }
}

extension LoweringContext {
    /// Tells what is written of secrets and configs beyond where their content is from, which their uses tell of.
    func checkFiles() {
        for (section, elements) in [("secrets", project.secrets), ("configs", project.configs)] {
            for element in elements.entries where !element.value.isExternal {
                let reader = MemberReader(
                    element.value.map ?? ComposeMap(), path: "\(section).\(element.key)", at: element.location, findings
                )
                reader.skip(
                    "name", "file", "content", "environment", "external", "driver", "driver_opts", "template_driver")
                if reader.entry("labels") != nil {
                    reader.warn("labels", "SC2450", "\(section).labels", "go nowhere: they are for those of a cluster")
                }
                reader.finish()
            }
        }
    }

    /// The images that are built, each once.
    func imageResources() -> [StackResource] {
        var made: [ResourceAddress: (service: String, build: ComposeNode)] = [:]
        var resources: [StackResource] = []
        for service in project.services.entries {
            guard let build = service.value["build"], let map = build.map,
                let address = images[Self.tagged(Self.imageName(project, service.key, service.value))]
            else { continue }
            let reader = MemberReader(
                map, path: "services.\(service.key).build",
                at: service.value.map?.entry("build")?.location ?? build.location, findings,
                address: address.description)
            guard ResourceAddress(address.description) == address else {
                findings.add(
                    Diagnostic(
                        code: "SC2401", summary: "services.\(service.key).image must be the name of an image",
                        address: "container.\(service.key)", location: service.value["image"]?.location))
                continue
            }
            if let other = made[address] {
                guard ComposeHash.whole(other.build) != ComposeHash.whole(build) else { continue }
                findings.add(
                    Diagnostic(
                        code: "SC2422",
                        summary: "\(other.service) and \(service.key) build the image \(address.name) differently",
                        hint: "give one of them another image", address: address.description,
                        location: reader.location))
                continue
            }
            made[address] = (service.key, build)
            var lowering = BuildLowering(self, service: service.key, reader, address)
            resources.append(lowering.resource())
        }
        return resources
    }
}
