import StackDSL

@main struct Example: Stack {
    var resources: Resources {
        let backend = Network("backend")
        let data = Volume("data")
        let site = Image("site", rootfs: "root")
        let db = Container("db", image: site) {
            Attach(backend)
            Mount(data, at: "/data")
        }
        let web = Container("web", image: site) {
            // expect: say which property of the container is meant, e.g. \(db.host)
            Env("DB", "postgres://\(db)/")
        }
        return Resources { web }
    }
}
