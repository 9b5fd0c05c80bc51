import JSONText

extension MountSpecification {
    /// Docker's `Mount`.
    var json: JSONObject {
        var object: JSONObject = [
            "Type": .string(kind.rawValue), "Source": .string(source), "Target": .string(target),
            "ReadOnly": .bool(readOnly),
        ]
        var options = JSONObject()
        switch kind {
        case .bind:
            if !propagation.isEmpty { options["Propagation"] = .string(propagation) }
            if !isRecursive { options["NonRecursive"] = true }
            if createsSource { options["CreateMountpoint"] = true }
            if readOnlyDepth == .top { options["ReadOnlyNonRecursive"] = true }
            if readOnlyDepth == .forced { options["ReadOnlyForceRecursive"] = true }
            if let owners { options["IDMap"] = .string(owners.text) }
            if !options.isEmpty { object["BindOptions"] = .object(options) }
        case .volume:
            if !copiesImageContent { options["NoCopy"] = true }
            var labels = volumeLabels
            if isAnonymous { labels[Self.anonymousLabel] = "" }
            if !labels.isEmpty { options["Labels"] = .object(.strings(labels)) }
            if !subpath.isEmpty { options["Subpath"] = .string(subpath) }
            if !volumeOptions.isEmpty {
                options["DriverConfig"] = ["Name": "local", "Options": .object(.strings(volumeOptions))]
            }
            if let owners { options["IDMap"] = .string(owners.text) }
            if !options.isEmpty { object["VolumeOptions"] = .object(options) }
        case .image:
            if !subpath.isEmpty { object["ImageOptions"] = ["Subpath": .string(subpath)] }
        case .tmpfs:
            if let options = tmpfsJSON { object["TmpfsOptions"] = .object(options) }
        }
        return object
    }

    /// Docker's `TmpfsOptions`, in which a size is a number.
    private var tmpfsJSON: JSONObject? {
        var options = JSONObject()
        var others: [JSONValue] = []
        for word in tmpfsOptions {
            let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch sides.first {
            case "size": options["SizeBytes"] = sides.last.flatMap { Int64($0) }.map { .int($0) }
            case "mode": options["Mode"] = sides.last.flatMap { Int64($0, radix: 8) }.map { .int($0) }
            default: others.append(.array(sides.map { .string($0) }))
            }
        }
        if !others.isEmpty { options["Options"] = .array(others) }
        return options.isEmpty ? nil : options
    }

    /// The form in which it was asked for: a volume made for it had no name then.
    var asked: JSONObject {
        guard isAnonymous, source.utf8.count == 64 else { return json }
        var mount = self
        mount.source = ""
        mount.isAnonymous = false
        return mount.json
    }

    /// The stored form: Docker's, and what has no place in it.
    var stored: JSONObject {
        var object = json
        if origin != .mounts { object["Origin"] = .string(origin.rawValue) }
        if !mode.isEmpty { object["Mode"] = .string(mode) }
        if !imageID.isEmpty { object["ImageID"] = .string(imageID) }
        if !tmpfsOptions.isEmpty { object["Tmpfs"] = .strings(tmpfsOptions) }
        return object
    }

    /// The notation of `-v` that it came by.
    var bindText: String {
        if isAnonymous { return target }
        return mode.isEmpty ? "\(source):\(target)" : "\(source):\(target):\(mode)"
    }
}

extension ContainerSpecification {
    /// Reads the members of `HostConfig` about mounts.
    mutating func readMounts(_ host: FieldReader) throws(EngineError) {
        for text in try host.strings("Binds") ?? [] { mounts.append(try MountSpecification(bind: text)) }
        for reader in try host.objects("Mounts") { mounts.append(try MountSpecification(reader)) }
        if let tmpfs = try host.reader("Tmpfs") {
            for path in tmpfs.keys {
                mounts.append(try MountSpecification(tmpfs: path, options: try tmpfs.text(path)))
            }
        }
        volumesFrom = try host.strings("VolumesFrom") ?? []
        volumeDriver = try host.text("VolumeDriver")
        guard !host.isStored else { return }
        do {
            try MountSpecification.check(driver: volumeDriver)
        } catch {
            // Not "not found": the stock client would pull the container's image.
            throw EngineError(.invalid, error.message)
        }
        if let options = try host.reader("StorageOpt"), !options.keys.isEmpty {
            throw EngineError(
                .failed, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option")
        }
        var targets = Set<String>()
        for mount in mounts where !targets.insert(mount.target).inserted {
            throw EngineError(.invalid, "Duplicate mount point: \(mount.target)")
        }
    }

    /// Writes the mounts as they were asked for: what the stored form keeps in one list, in its three places.
    func showMounts(in host: inout JSONObject) {
        let binds = mounts.filter { $0.origin == .binds }.map(\.bindText)
        host["Binds"] = .strings(orNull: binds.isEmpty ? nil : binds)
        let listed = mounts.filter { $0.origin == .mounts }
        host["Mounts"] = listed.isEmpty ? nil : .array(listed.map { .object($0.asked) })
        let memory = mounts.filter { $0.origin == .tmpfs }
        if !memory.isEmpty {
            host["Tmpfs"] = .object(
                JSONObject(memory.map { ($0.target, .string($0.tmpfsOptions.joined(separator: ","))) }))
        }
    }
}
