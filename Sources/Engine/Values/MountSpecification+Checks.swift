/// Docker's rules for what can be mounted.
extension MountSpecification {
    /// Judges a mount of a request, and writes its paths in one way.
    package mutating func validate() throws(EngineError) {
        guard !target.isEmpty else { throw Self.refusal(kind, "field Target must not be empty") }
        guard target.hasPrefix("/"), target.utf8.count < 4096 else {
            throw Self.refusal(kind, "invalid mount path: '\(target)' mount path must be absolute")
        }
        target = Self.cleaned(target)
        guard target != "/" else {
            throw Self.refusal(kind, "invalid specification: destination can't be '/'")
        }
        switch kind {
        case .bind: try validateBind()
        case .volume: try validateVolume()
        case .tmpfs:
            guard source.isEmpty else { throw Self.refusal(kind, "field Source must not be specified") }
            _ = try TmpfsSettings(tmpfsOptions)
        case .image:
            guard !source.isEmpty else { throw Self.refusal(kind, "field Source must not be empty") }
            try validateSubpath()
            readOnly = true
        }
    }

    private mutating func validateBind() throws(EngineError) {
        guard !source.isEmpty else { throw Self.refusal(kind, "field Source must not be empty") }
        guard propagation.isEmpty || BindOptions.propagations.contains(propagation) else {
            throw Self.refusal(kind, "invalid propagation mode: \(propagation)")
        }
        guard source.hasPrefix("/"), source.utf8.count < 4096 else {
            throw Self.refusal(kind, "invalid mount path: '\(source)' mount path must be absolute")
        }
        source = Self.cleaned(source)
        guard readOnlyDepth == .everywhere || readOnly else {
            throw Self.refusal(kind, "a read-only depth is given for a mount that is not read-only")
        }
        guard readOnlyDepth != .forced || ["", "private", "rprivate"].contains(propagation) else {
            throw Self.refusal(
                kind, "ReadOnlyForceRecursive needs the propagation rprivate: later mounts of the host could be written"
            )
        }
    }

    private func validateVolume() throws(EngineError) {
        guard !source.isEmpty else {
            guard subpath.isEmpty else {
                throw Self.refusal(kind, "must not set Subpath when using anonymous volumes")
            }
            return
        }
        try Volume.check(name: source)
        try validateSubpath()
    }

    private func validateSubpath() throws(EngineError) {
        guard !subpath.isEmpty else { return }
        guard !subpath.hasPrefix("/"), !subpath.split(separator: "/").contains("..") else {
            throw Self.refusal(kind, "subpath must be a relative path within the volume")
        }
    }

    /// The path without `.`, `..`, doubled and closing slashes; `..` of `/` is `/`.
    package static func cleaned(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
