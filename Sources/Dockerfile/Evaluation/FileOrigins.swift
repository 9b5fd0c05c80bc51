extension DockerfileDocument {
    /// The escape character as a scalar.
    var escape: Unicode.Scalar { directives.escape.unicodeScalars.first ?? "\\" }

    /// Where COPY takes its files; nil is the context.
    func copyOrigin(_ instruction: Instruction) throws(LineFault) -> FileOrigin? {
        guard let from = instruction.value("from"), !from.isEmpty else { return nil }
        let plain: String?
        do throws(ExpansionFault) {
            plain = try ShellWords(escape: escape).expand(from) { _ in nil }.text
        } catch {
            throw LineFault(error.message)
        }
        guard plain == from else {
            throw LineFault(
                "variable expansion is not supported for --from, define a new stage with FROM using ARG from global "
                    + "scope as a workaround")
        }
        if let index = Int(from) {
            guard stages.indices.contains(index) else { throw LineFault("invalid stage index \(index)") }
            return .stage(index)
        }
        return stage(named: from).map { .stage($0) } ?? .named(from)
    }

    /// Where RUN's mounts take their files, of those that take any.
    func mountOrigins(_ instruction: Instruction) throws(LineFault) -> [FileOrigin] {
        var origins: [FileOrigin] = []
        for mount in instruction.values("mount") {
            guard let name = try MountOptions.origin(mount) else { continue }
            origins.append(mountOrigin(name))
        }
        return origins
    }

    /// What a mount's `from` names.
    func mountOrigin(_ name: String) -> FileOrigin { stage(named: name).map { .stage($0) } ?? .named(name) }
}
