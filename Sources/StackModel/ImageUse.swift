import JSONText

/// Where the attributes of a resource name an image: what a container runs, what an image is made from.
package enum ImageUse {
    /// The name; nil where the resource names none, or refers to an image of the stack.
    package static func name(_ kind: ResourceKind, _ attributes: JSONObject) -> String? {
        switch kind {
        case .container: attributes["image"]?.stringValue
        case .image: attributes["from"]?["reference"]?.stringValue
        default: nil
        }
    }

    /// The attributes with another name in that place.
    package static func renamed(_ kind: ResourceKind, _ attributes: JSONObject, to name: String) -> JSONObject {
        var attributes = attributes
        switch kind {
        case .container: attributes["image"] = .string(name)
        case .image:
            guard var origin = attributes["from"]?.objectValue else { return attributes }
            origin["reference"] = .string(name)
            attributes["from"] = .object(origin)
        default: break
        }
        return attributes
    }
}
