import Diagnostics

/// Names of projects: `[a-z0-9][a-z0-9_-]*` (compose-spec, "name").
package enum ProjectName {
    /// Whether a name may be one.
    package static func isValid(_ name: String) -> Bool {
        !name.isEmpty && normalized(name) == name
    }

    /// A name made fit: lower case, without other characters, and without `_` and `-` in front.
    package static func normalized(_ name: String) -> String {
        let kept = name.lowercased().unicodeScalars.filter(isAllowed)
        return String(String.UnicodeScalarView(kept.drop { $0 == "_" || $0 == "-" }))
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "0"..."9", "_", "-": true
        default: false
        }
    }
}
