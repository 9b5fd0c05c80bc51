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
            // expect: integer literal '80800' overflows when stored into 'UInt16'
            Publish(80800, to: 80)
        }
        return Resources {
            db; web
        }
    }
}
