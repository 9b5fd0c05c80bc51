/// Labels by which compose clients know what belongs to a project.
enum ProjectLabels {
    static let project = "com.docker.compose.project"
    static let service = "com.docker.compose.service"
    static let number = "com.docker.compose.container-number"
    static let oneOff = "com.docker.compose.oneoff"
    /// The id of the image a container was made of.
    static let image = "com.docker.compose.image"

    /// What an object is called in the project of this name; nil where it is not of the project.
    ///
    /// `kind` is `network` or `volume`.
    static func name(of labels: [String: String], as kind: String, stack: String) -> String? {
        labels[project] == stack ? labels["com.docker.compose.\(kind)"] : nil
    }
}
