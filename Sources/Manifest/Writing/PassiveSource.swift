import Diagnostics
import JSONText
import StackModel

/// The declarations of networks and volumes.
enum PassiveSource {
    /// `Network("backend", subnet: "10.42.0.0/24")`.
    static func network(_ group: SourceGroup) throws(Diagnostic) -> String {
        var attributes = SourceAttributes(group.attributes, path: group.address.description)
        guard !group.protect else { throw attributes.failure("protect", "is nothing that manifests say") }
        var call = SourceCall("Network")
        call.add(SourceText.literal(group.address.name))
        call.add("name", try attributes.text("name"))
        call.add("subnet", try attributes.text("subnet"))
        call.add("gateway", try attributes.text("gateway"))
        call.add("range", try attributes.text("range"))
        call.add("auxiliary", try attributes.dictionary("auxiliary"))
        if try attributes.flag("internal") == true { call.add("internal", "true") }
        call.add("attachable", try attributes.truth("attachable"))
        call.add("ipv6", try attributes.truth("ipv6"))
        call.add("subnet6", try attributes.text("subnet6"))
        call.add("gateway6", try attributes.text("gateway6"))
        call.add("range6", try attributes.text("range6"))
        call.add("auxiliary6", try attributes.dictionary("auxiliary6"))
        call.add("driver", try attributes.text("driver"))
        call.add("options", try attributes.dictionary("options"))
        call.add("labels", try attributes.dictionary("labels"))
        try attributes.finish()
        return call.text
    }

    /// `Volume("data", protect: true)`.
    static func volume(_ group: SourceGroup, _ scope: SourceScope) throws(Diagnostic) -> String {
        var attributes = SourceAttributes(group.attributes, path: group.address.description)
        var call = SourceCall("Volume")
        call.add(SourceText.literal(group.address.name))
        call.add("name", try attributes.text("name"))
        call.add("driver", try attributes.text("driver"))
        call.add("options", try attributes.dictionary("options"))
        call.add("owner", try attributes.text("owner"))
        var files: [(key: String, value: String)] = []
        for (path, text) in try attributes.pairs("content") {
            files.append((path, try scope.text(text, "\(group.address).content.\(path)")))
        }
        if !files.isEmpty { call.add("content", SourceText.dictionary(files)) }
        if group.protect { call.add("protect", "true") }
        call.add("labels", try attributes.dictionary("labels"))
        try attributes.finish()
        return call.text
    }
}
