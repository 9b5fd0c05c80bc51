import Archives
import JSONText
import Linux

/// The packages of a file tree as an SPDX 2.3 document.
///
/// Equal trees give equal documents: packages are sorted, the namespace is made of the content, the time is the image's.
///
/// Source: SPDX specification 2.3.
struct Inventory: Sendable {
    static let predicateType = "https://spdx.dev/Document"

    private let found: FoundPackages
    private let name: String
    private let created: Timestamp

    init(_ found: FoundPackages, name: String, created: Timestamp) {
        self.found = found
        self.name = name
        self.created = created
    }

    /// The document.
    var json: JSONObject {
        var root = JSONObject()
        root["name"] = .string(name)
        root["SPDXID"] = "SPDXRef-DocumentRoot"
        root["downloadLocation"] = "NOASSERTION"
        root["filesAnalyzed"] = false
        root["primaryPackagePurpose"] = "CONTAINER"
        root["licenseConcluded"] = "NOASSERTION"
        root["licenseDeclared"] = "NOASSERTION"
        root["copyrightText"] = "NOASSERTION"
        let entries = found.packages.map { Self.json($0) }
        let packages: [JSONValue] = [.object(root)] + entries.map { .object($0) }
        let text = JSONValue.array(packages).serializedBytes(.compact)

        var info = JSONObject()
        info["creators"] = ["Tool: stackctl"]
        info["created"] = .string(Timestamp(seconds: created.seconds).rfc3339Seconds)
        var object = JSONObject()
        object["spdxVersion"] = "SPDX-2.3"
        object["dataLicense"] = "CC0-1.0"
        object["SPDXID"] = "SPDXRef-DOCUMENT"
        object["name"] = .string(name)
        object["documentNamespace"] = .string("https://spdx.org/spdxdocs/stackctl-\(SHA256.hex(of: text))")
        object["creationInfo"] = .object(info)
        let remarks = (found.distribution.map { ["distribution: \($0)"] } ?? []) + found.remarks
        if !remarks.isEmpty { object["comment"] = .string(remarks.joined(separator: "\n")) }
        object["packages"] = .array(packages)
        object["relationships"] = .array(
            [Self.relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-DocumentRoot")]
                + entries.map {
                    Self.relationship("SPDXRef-DocumentRoot", "CONTAINS", $0["SPDXID"]?.stringValue ?? "")
                })
        return object
    }

    private static func relationship(_ from: String, _ type: String, _ to: String) -> JSONValue {
        var object = JSONObject()
        object["spdxElementId"] = .string(from)
        object["relationshipType"] = .string(type)
        object["relatedSpdxElement"] = .string(to)
        return .object(object)
    }

    private static func json(_ package: FoundPackage) -> JSONObject {
        let url = package.url.text
        var object = JSONObject()
        object["name"] = .string(package.name)
        object["SPDXID"] = .string(identifier(package, url))
        object["versionInfo"] = .string(package.version)
        if let supplier = package.supplier, !supplier.isEmpty {
            object["supplier"] = .string("Organization: \(supplier)")
        }
        object["downloadLocation"] = "NOASSERTION"
        object["filesAnalyzed"] = false
        if let homepage = package.homepage, homepage.hasPrefix("http") { object["homepage"] = .string(homepage) }
        object["sourceInfo"] = .string("acquired package info from \(package.kind): \(package.source)")
        object["licenseConcluded"] = "NOASSERTION"
        // What packages say is no licence expression one could parse.
        object["licenseDeclared"] = "NOASSERTION"
        if let license = package.license, !license.isEmpty {
            object["licenseComments"] = .string("declared as: \(license)")
        }
        object["copyrightText"] = "NOASSERTION"
        var reference = JSONObject()
        reference["referenceCategory"] = "PACKAGE-MANAGER"
        reference["referenceType"] = "purl"
        reference["referenceLocator"] = .string(url)
        object["externalRefs"] = [.object(reference)]
        return object
    }

    /// Letters, digits, dots and dashes; the URL's hash makes it unique.
    private static func identifier(_ package: FoundPackage, _ url: String) -> String {
        let plain = "\(package.url.type)-\(package.name)".map { character in
            character.isASCII && (character.isLetter || character.isNumber) || character == "." ? character : "-"
        }
        return "SPDXRef-Package-\(String(plain.prefix(100)))-\(SHA256.hex(of: Array(url.utf8)).prefix(12))"
    }
}
