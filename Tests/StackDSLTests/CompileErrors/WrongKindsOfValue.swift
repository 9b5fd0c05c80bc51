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
            // expect: cannot convert value of type 'Image' to expected argument type 'Container'
            DependsOn(site)
        }
        let two = Container("two", image: site) {
            // expect: cannot convert value of type 'String' to expected argument type 'Network'
            Attach("backend")
        }
        let three = Container("three", image: site) {
            // expect: cannot convert value of type 'Int' to expected argument type 'Duration'
            Healthcheck(.shell("true"), every: 10)
        }
        let four = Container("four", image: site) {
            // expect: cannot convert value of type 'Int' to expected argument type 'ByteCount'
            Limit(memory: 256)
        }
        let five = Container("five", image: site) {
            // expect: cannot find 'dbb' in scope
            DependsOn(dbb)
        }
        // expect: missing argument for parameter 'image' in call
        let six = Container("six")
        return Resources {
            web; two; three; four; five; six; db
        }
    }
}
