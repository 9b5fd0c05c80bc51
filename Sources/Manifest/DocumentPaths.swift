import Diagnostics
import JSONText
import StackModel

extension StackDocument {
    /// The document with the paths of its folder: places in the source as the user names them, and the paths of
    /// directories, archives and bind mounts absolute.
    func located(in folder: StackFolder) -> StackDocument {
        var names: [String: String] = [:]
        for source in folder.sources {
            let name = source.relativePath.split(separator: "/").last.map(String.init) ?? source.relativePath
            names[name] = folder.userPath(source.relativePath)
        }
        func place(_ location: SourceLocation) -> SourceLocation {
            var result = location
            result.file = names[location.file] ?? location.file
            return result
        }
        var document = self
        document.resources = resources.map { resource in
            var result = resource
            result.location = place(resource.location)
            result.locations = resource.locations.mapValues(place)
            result.attributes = absolute(resource.attributes, resource.address.kind, in: folder.absolutePath)
            return result
        }
        document.outputs = outputs.map { output in
            var result = output
            result.location = place(output.location)
            return result
        }
        document.inputs = inputs.map { input in
            var result = input
            result.location = place(input.location)
            return result
        }
        document.diagnostics = diagnostics.map { $0.located(place, names) }
        return document
    }
}

extension Diagnostic {
    /// The diagnostic with its place, and places mentioned in its text, as the user names them.
    fileprivate func located(_ place: (SourceLocation) -> SourceLocation, _ names: [String: String]) -> Diagnostic {
        var result = self
        result.location = location.map(place)
        for (name, path) in names where name != path {
            result.detail = result.detail?.replacing(" at \(name):", with: " at \(path):")
        }
        return result
    }
}

private func absolute(_ attributes: JSONObject, _ kind: ResourceKind, in directory: String) -> JSONObject {
    var result = attributes
    if kind == .image, var source = attributes["from"]?.objectValue {
        for key in ["rootfs", "tar", "archive", "dockerfile", "context"] {
            if let path = source[key]?.stringValue { source[key] = .string(absolute(path, in: directory)) }
        }
        if let secrets = source["secrets"]?.objectValue {
            source["secrets"] = .object(
                JSONObject(secrets.map { ($0.key, .string(absolute($0.value.stringValue ?? "", in: directory))) }))
        }
        if let contexts = source["contexts"]?.objectValue {
            source["contexts"] = .object(
                JSONObject(
                    contexts.map { name, value in
                        guard let path = value.stringValue, !path.contains("://") else { return (name, value) }
                        return (name, .string(absolute(path, in: directory)))
                    }))
        }
        result["from"] = .object(source)
    }
    if kind == .container, let files = attributes["files"]?.arrayValue {
        result["files"] = .array(
            files.map { file in
                guard var members = file.objectValue, let path = members["source"]?.stringValue else { return file }
                members["source"] = .string(absolute(path, in: directory))
                return .object(members)
            })
    }
    if kind == .container, let mounts = attributes["mounts"]?.arrayValue {
        result["mounts"] = .array(
            mounts.map { mount in
                guard var members = mount.objectValue, members["type"] == "bind",
                    let path = members["source"]?.stringValue
                else { return mount }
                members["source"] = .string(absolute(path, in: directory))
                return .object(members)
            })
    }
    return result
}

/// A path made absolute, without "." and "..".
private func absolute(_ path: String, in directory: String) -> String {
    var parts: [Substring] = []
    for part in (path.hasPrefix("/") ? path : "\(directory)/\(path)").split(separator: "/") where part != "." {
        if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
}
