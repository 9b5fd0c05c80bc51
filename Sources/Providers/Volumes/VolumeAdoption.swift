import Diagnostics
import Engine
import JSONText
import StackModel

/// A volume that another client made for the same project, and that no stack has.
struct VolumeAdoption {
    let volume: Volume

    /// Nil where the volume is somebody else's.
    init?(_ volume: Volume, stack: String, address: ResourceAddress) {
        guard volume.stack == nil,
            ProjectLabels.name(of: volume.labels, as: "volume", stack: stack) == address.name
        else { return nil }
        self.volume = volume
    }

    /// What a plan says of it: that it is taken over, or why it cannot be.
    func judge(_ wanted: JSONObject) -> Diagnostic {
        let (there, asked) = (volume.options ?? [:], wanted.strings("options"))
        guard there == asked else {
            return Diagnostic(
                code: "SC5145", summary: "the volume \(volume.name) of this project is there with other options",
                detail: "it has \(Self.text(there)), and \(Self.text(asked)) is asked for",
                hint: "give the volume another name, or remove it with all that is in it: "
                    + "stackctl volume rm \(volume.name)")
        }
        return Diagnostic(
            severity: .note, code: "SC5144",
            summary: "the volume \(volume.name), which another client made for this project, becomes this stack's")
    }

    /// `device=/srv, type=none`, without what may be a password.
    private static func text(_ options: [String: String]) -> String {
        if options.isEmpty { return "none" }
        return options.sorted { $0.key < $1.key }.map { key, value in
            let words = value.split(separator: ",").map { $0.hasPrefix("password=") ? "password=…" : String($0) }
            return "\(key)=\(words.joined(separator: ","))"
        }.joined(separator: ", ")
    }
}
