import StackDSL

/// Real nginx from Debian packages, a page in a volume, and a second container that fetches the page by name.
@main
struct Hello: Stack {
    @Input("Port of the host that answers with the page", in: 1...65535) var port = 8080

    var resources: Resources {
        let lan = Network("lan")
        let page = Volume("page", content: ["index.html": "<h1>Hello from nginx in a stack</h1>\n"])
        let tools = Image("hello/nginx", debian: .bookworm, packages: ["nginx-light", "busybox"])

        let web = Container("web", image: tools) {
            Command("nginx", "-g", "daemon off;")
            Attach(lan)
            Mount(page, at: "/var/www/html", readOnly: true)
            Publish(port, to: 80)
            Healthcheck(.command("busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"), every: .seconds(2))
            Limit(memory: .mebibytes(64), cpus: 0.5, processes: 64)
            Restart(.onFailure(max: 5))
        }
        let visitor = Container("visitor", image: tools) {
            Attach(lan)
            DependsOn(web, until: .healthy)
            Env("PAGE", "http://\(web.host)/")
            Env("GREETING", "hello")
            Command("busybox", "sh", "-c", "echo \"$GREETING\"; busybox wget -q -O - \"$PAGE\" && exec sleep infinity")
            Limit(memory: .mebibytes(32), processes: 16)
            Stop(timeout: .seconds(1))
        }
        return Resources {
            visitor
            Output("url", "http://127.0.0.1:\(port)/")
        }
    }
}
