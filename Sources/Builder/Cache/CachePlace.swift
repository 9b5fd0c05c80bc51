import Diagnostics
import OCI

/// Where a cache is taken from or given to: `--cache-from`, `--cache-to`.
enum CachePlace: Sendable, Hashable {
    /// Beside the image, in its manifest.
    case inline
    /// A repository of a registry.
    case registry(ImageReference)
    /// An OCI layout in a directory of the daemon's host, and the tag in it.
    case directory(String, tag: String)

    /// - Parameter isTarget: whether something is written there.
    /// - Throws: `BuildFailure` (invalid), with what there is.
    init(_ location: BuildRequest.CacheLocation, isTarget: Bool) throws(BuildFailure) {
        let flag = isTarget ? "--cache-to" : "--cache-from"
        func parameter(_ name: String) throws(BuildFailure) -> String {
            guard let value = location.parameters[name], !value.isEmpty else {
                throw BuildFailure.invalid("\(flag) type=\(location.type) needs `\(name)=`")
            }
            return value
        }
        switch location.type {
        case "inline":
            guard isTarget else {
                throw BuildFailure.invalid(
                    "\(flag) type=inline is no place", "an inline cache is in an image",
                    hint: "name the image: `\(flag) type=registry,ref=IMAGE`")
            }
            self = .inline
        case "registry", "":
            let text = try parameter("ref")
            do {
                self = .registry(try ImageReference(text).withDefaultTag)
            } catch {
                throw BuildFailure.invalid("\(flag): `\(text)` is no image reference", "\(error)")
            }
        case "local":
            let path = try parameter(isTarget ? "dest" : "src")
            guard path.hasPrefix("/") else {
                throw BuildFailure.invalid(
                    "\(flag) type=local: `\(path)` is not absolute",
                    "the directory is one of the daemon's host, which knows nothing of a client's working directory")
            }
            self = .directory(path, tag: location.parameters["tag"] ?? "latest")
        case "gha", "s3", "azblob":
            throw BuildFailure.invalid(
                "\(flag) type=\(location.type) is not supported",
                "it is a service of one vendor, which this engine has no client of",
                hint: "use `type=registry,ref=…`; hosted runners have a registry too")
        default:
            throw BuildFailure.invalid(
                "\(flag): there is no cache of the type `\(location.type)`",
                "there are inline, registry and local")
        }
    }

    /// What it is called in messages.
    var name: String {
        switch self {
        case .inline: "inline cache"
        case .registry(let reference): "registry cache \(reference.familiar)"
        case .directory(let path, _): "local cache \(path)"
        }
    }
}
