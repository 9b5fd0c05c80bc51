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
        // expect: a reference is known only at apply: give the variable the type Text
        let url: String = "http://\(db.host)/"
        return Resources { Output("url", url) }
    }
}
