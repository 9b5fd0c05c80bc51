import JSONText

/// Where the attributes of a resource name images: what a container runs, what an image is made from.
package enum ImageUse {
    /// The names; none where the resource names none, or refers to an image of the stack.
    package static func names(_ kind: ResourceKind, _ attributes: JSONObject) -> [String] {
        switch kind {
        case .container: [attributes["image"]?.stringValue].compactMap { $0 }
        case .image:
            [attributes["from"]?["reference"]?.stringValue].compactMap { $0 }
                + (attributes["from"]?["bases"]?.objectValue ?? JSONObject()).compactMap { $0.value.stringValue }
        default: []
        }
    }

    /// The attributes with another name in place of one.
    package static func renamed(
        _ kind: ResourceKind, _ attributes: JSONObject, _ name: String, to new: String
    ) -> JSONObject {
        var attributes = attributes
        switch kind {
        case .container:
            if attributes["image"]?.stringValue == name { attributes["image"] = .string(new) }
        case .image:
            guard var origin = attributes["from"]?.objectValue else { return attributes }
            if origin["reference"]?.stringValue == name { origin["reference"] = .string(new) }
            if var bases = origin["bases"]?.objectValue {
                for (key, value) in bases where value.stringValue == name { bases[key] = .string(new) }
                origin["bases"] = .object(bases)
            }
            attributes["from"] = .object(origin)
        default: break
        }
        return attributes
    }
}
