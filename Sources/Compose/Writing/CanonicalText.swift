import JSONText

extension ComposeProject {
    /// What `config` prints in YAML: members sorted as Docker's does, two spaces of indentation.
    package func yaml() -> String { "" }

    /// What `config --format json` prints.
    package var json: JSONValue { .object(JSONObject()) }
}
