import { refuses } from './wrong.ts'

describe('a wrong service is refused', () => {
  refuses([
    {
      name: 'a service outside of services',
      yaml: 'pop3:\n  port: 110\n',
      told: ['my.yaml:1:1: pop3: there is no such setting; did you mean services.pop3?'],
    },
    {
      name: 'a setting of another protocol',
      yaml: 'services:\n  smtp:\n    listing: true\n',
      told: ['my.yaml:3:5: services.smtp.listing: there is no such setting; did you mean services.http.listing?'],
    },
    {
      name: 'an unknown setting of a section of a protocol',
      yaml: 'services:\n  ftp: { passive: { port: 50000-50010 } }\n',
      told: ['my.yaml:2:21: services.ftp.passive.port: there is no such setting; did you mean services.ftp.passive.ports?'],
    },
    {
      name: 'an unknown limit of a service',
      yaml: 'services:\n  ftp:\n    limits:\n      idel: 5m\n',
      told: ['my.yaml:4:7: services.ftp.limits.idel: there is no such setting; did you mean services.ftp.limits.idle?'],
    },
    {
      name: 'a port past the last',
      yaml: 'services:\n  http:\n    port: 65536\n',
      told: ['my.yaml:3:11: services.http.port: must be a port from 0 to 65535 (0: the system chooses), not 65536'],
    },
    {
      name: 'the port of SMTP for LMTP',
      yaml: 'services:\n  lmtp:\n    protocol: smtp\n    mode: lmtp\n    port: 25\n',
      told: ['my.yaml:5:11: services.lmtp.port: must not be 25, where mail servers expect SMTP (RFC 2033)'],
    },
    {
      name: 'a port in quotes',
      yaml: 'services:\n  http:\n    port: "80"\n',
      told: ['my.yaml:3:11: services.http.port: must be a port from 0 to 65535 (0: the system chooses), not "80"'],
    },
    {
      name: 'a broken port',
      yaml: 'services:\n  http:\n    port: 80.5\n',
      told: ['my.yaml:3:11: services.http.port: must be a port from 0 to 65535 (0: the system chooses), not 80.5'],
    },
    {
      name: 'an address that is none, as the host of a service',
      yaml: 'services:\n  pop3:\n    host: 127.0.0.256\n',
      told: ['my.yaml:3:11: services.pop3.host: must be a numeric address such as 127.0.0.1, 0.0.0.0 or "::", not "127.0.0.256"'],
    },
    {
      name: 'a list of services',
      yaml: 'services: [http, ftp]\n',
      told: ['my.yaml:1:11: services: must be a section of names, each with its value, not a list'],
    },
    {
      name: 'off for a service',
      yaml: 'services:\n  http: off\n',
      told: ['my.yaml:2:9: services.http: must be a section of settings; `enabled: false` in it switches a service off'],
    },
    {
      name: 'null for a service',
      yaml: 'services:\n  http: null\n',
      told: ['my.yaml:2:9: services.http: must be a section of settings; `enabled: false` in it switches a service off'],
    },
    {
      name: 'an unknown protocol near a known one',
      yaml: 'services:\n  web:\n    protocol: htp\n',
      told: ['my.yaml:3:15: services.web.protocol: must be http, ftp, smtp, pop3 or exec, not "htp"; did you mean http?'],
    },
    {
      name: 'an unknown protocol near none',
      yaml: 'services:\n  news: { protocol: nntp }\n',
      told: ['my.yaml:2:21: services.news.protocol: must be http, ftp, smtp, pop3 or exec, not "nntp"'],
    },
    {
      name: 'a number for a protocol',
      yaml: 'services:\n  news: { protocol: 5 }\n',
      told: ['my.yaml:2:21: services.news.protocol: must be http, ftp, smtp, pop3 or exec, not 5'],
    },
    {
      name: 'a mistyped name of a service',
      yaml: 'services:\n  stmp:\n    port: 25\n',
      told: [
        'my.yaml:2:3: services.stmp.protocol: is missing: a service of a new name needs one (http, ftp, smtp, pop3, exec); or did you mean services.smtp?',
      ],
    },
    {
      name: 'a new service without a protocol',
      yaml: 'services:\n  intranet:\n    port: 8081\n',
      told: [
        'my.yaml:2:3: services.intranet.protocol: is missing: a service of a new name needs one (http, ftp, smtp, pop3, exec)',
      ],
    },
    {
      name: 'a name of a service that no file can have everywhere',
      yaml: 'services:\n  My_Web:\n    protocol: http\n    port: 1\n',
      told: [
        'my.yaml:2:3: services.My_Web: the name of a service has at most 32 lower-case letters, digits and dashes, a letter first',
      ],
    },
    {
      name: 'a name of a service that is taken',
      yaml: 'services:\n  supervisor: { protocol: http, port: 1 }\n',
      told: ['my.yaml:2:3: services.supervisor: this name is taken; give the service another'],
    },
    {
      name: 'two services on one port by default',
      yaml: 'services:\n  web2:\n    protocol: http\n',
      told: ['my.yaml:2:3: services.web2.port: services.http is on 127.0.0.1:8080 already; give one of them another port'],
    },
    {
      name: 'two services on one port as given',
      yaml: 'services:\n  ftp:\n    port: 8080\n',
      told: ['my.yaml:3:11: services.ftp.port: services.http is on 127.0.0.1:8080 already; give one of them another port'],
    },
    {
      name: 'two services on one port, one of them on all addresses of IPv4',
      yaml: 'services:\n  web2:\n    protocol: http\n    host: 0.0.0.0\n',
      told: ['my.yaml:2:3: services.web2.port: services.http is on 127.0.0.1:8080 already; give one of them another port'],
    },
    {
      name: 'two services on one port, one of them on all addresses',
      yaml: 'services:\n  web2: { protocol: http, host: "::" }\n',
      told: ['my.yaml:2:3: services.web2.port: services.http is on 127.0.0.1:8080 already; give one of them another port'],
    },
    {
      name: 'STARTTLS for HTTP',
      yaml: 'services:\n  http: { tls: starttls }\n',
      told: ['my.yaml:2:16: services.http.tls: must be implicit or off: http has no change to TLS in a conversation'],
    },
    {
      name: 'requireTls for HTTP',
      yaml: 'services:\n  http: { requireTls: never }\n',
      told: ['my.yaml:2:23: services.http.requireTls: http services have no such setting'],
    },
    {
      name: 'logins only with TLS where there is none',
      yaml: 'services:\n  pop3: { tls: off, requireTls: always }\n',
      told: ['my.yaml:2:33: services.pop3.requireTls: must be auto or never where tls is off: nobody could log in'],
    },
    {
      name: 'true for a kind of encryption',
      yaml: 'services:\n  pop3: { tls: true }\n',
      told: ['my.yaml:2:16: services.pop3.tls: must be starttls, implicit or off, not true'],
    },
    {
      name: 'no worker',
      yaml: 'services:\n  http: { workers: 0 }\n',
      told: ['my.yaml:2:20: services.http.workers: must be at least 1, not 0'],
    },
    {
      name: 'no proxy to believe',
      yaml: 'services:\n  http: { proxyProtocol: { from: [] } }\n',
      told: ['my.yaml:2:34: services.http.proxyProtocol.from: must not be an empty list'],
    },
    {
      name: 'a proxy by name',
      yaml: 'services:\n  http: { proxyProtocol: { from: [proxy.test] } }\n',
      told: [
        'my.yaml:2:35: services.http.proxyProtocol.from.0: must be a numeric address such as 10.0.0.7 or fd00::7, or a network such as 10.0.0.0/8 or fd00::/8, not "proxy.test"',
      ],
    },
    {
      name: 'a network of proxies with more bits than its addresses have',
      yaml: 'services:\n  http: { proxyProtocol: { from: [10.0.0.0/8, 10.0.0.0/33] } }\n',
      told: [
        'my.yaml:2:47: services.http.proxyProtocol.from.1: must be a numeric address such as 10.0.0.7 or fd00::7, or a network such as 10.0.0.0/8 or fd00::/8, not "10.0.0.0/33"',
      ],
    },
    {
      name: 'true for a section',
      yaml: 'services:\n  http: { proxyProtocol: true }\n',
      told: ['my.yaml:2:26: services.http.proxyProtocol: must be a section of settings, not true'],
    },
    {
      name: 'passive ports that are privileged',
      yaml: 'services:\n  ftp: { passive: { ports: 20-30 } }\n',
      told: ['my.yaml:2:28: services.ftp.passive.ports: must be between 1024 and 65535, not "20-30"'],
    },
    {
      name: 'passive ports from high to low',
      yaml: 'services:\n  ftp: { passive: { ports: 60000-50000 } }\n',
      told: ['my.yaml:2:28: services.ftp.passive.ports: must be written with the lower end first, not "60000-50000"'],
    },
    {
      name: 'passive ports in words',
      yaml: 'services:\n  ftp: { passive: { ports: many } }\n',
      told: ['my.yaml:2:28: services.ftp.passive.ports: must be a range of ports such as 49152-65535, not "many"'],
    },
    {
      name: 'a name as the passive address',
      yaml: 'services:\n  ftp: { passive: { address: ftp.example.org } }\n',
      told: [
        'my.yaml:2:30: services.ftp.passive.address: must be a numeric address such as 127.0.0.1, 0.0.0.0 or "::", not "ftp.example.org"',
      ],
    },
    {
      name: 'a route that does two things',
      yaml: 'services:\n  http:\n    routes:\n      - { path: /a, redirect: /b, proxy: "http://127.0.0.1:1/" }\n',
      told: ['my.yaml:4:9: services.http.routes.0: must have one of proxy, redirect, not all of them'],
    },
    {
      name: 'a route that does nothing',
      yaml: 'services:\n  http:\n    routes:\n      - path: /a\n',
      told: ['my.yaml:4:9: services.http.routes.0: must have one of files, proxy, redirect, respond, auth, cors'],
    },
    {
      name: 'a route whose path is none',
      yaml: 'services:\n  http:\n    routes:\n      - path: a\n        redirect: /b\n',
      told: ['my.yaml:4:15: services.http.routes.0.path: must begin with /'],
    },
    {
      name: 'a redirection with another status',
      yaml: 'services:\n  http:\n    routes:\n      - { path: /a, redirect: /b, status: 404 }\n',
      told: ['my.yaml:4:43: services.http.routes.0.status: must be 301, 302, 303, 307 or 308, not 404'],
    },
    {
      name: 'a route without a path',
      yaml: 'services:\n  http:\n    routes:\n      - { redirect: /b }\n',
      told: ['my.yaml:4:9: services.http.routes.0.path: is missing; it must be a path that begins with /'],
    },
    {
      name: 'an unknown setting of a route, told alone',
      yaml: 'services:\n  http:\n    routes:\n      - { path: /a, redirct: /b }\n',
      told: [
        'my.yaml:4:21: services.http.routes.0.redirct: there is no such setting; did you mean services.http.routes.0.redirect?',
      ],
    },
    {
      name: "a site's certificate without its key",
      yaml: 'services:\n  http:\n    sites:\n      shop.test: { certificate: a.pem }\n',
      told: ['my.yaml:4:18: services.http.sites.shop.test: must have both of certificate and key, or none'],
    },
    {
      name: 'a site that has the name of another',
      yaml: 'services:\n  http:\n    sites:\n      a.test: {}\n      b.test: { aliases: [A.test] }\n',
      told: ['my.yaml:5:27: services.http.sites.b.test.aliases.0: is another name of a site already: a.test'],
    },
    {
      name: 'a site whose name is none',
      yaml: 'services:\n  http:\n    sites:\n      a.*.test: {}\n',
      told: ['my.yaml:4:7: services.http.sites.a.*.test: must be the name of a host such as shop.test, or *.shop.test'],
    },
    {
      name: 'pages of any origin with the login of the user',
      yaml: 'services:\n  http:\n    cors: { origins: any, credentials: true }\n',
      told: [
        'my.yaml:3:40: services.http.cors.credentials: cannot be true where origins is any: every page in the world could read what a user may see',
      ],
    },
    {
      name: 'an origin with a path',
      yaml: 'services:\n  http:\n    cors: { origins: [https://a.test/] }\n',
      told: [
        'my.yaml:3:23: services.http.cors.origins.0: must be an origin such as https://shop.test, without a path, not "https://a.test/"',
      ],
    },
    {
      name: 'a header field that frames the message',
      yaml: 'services:\n  http:\n    rules:\n      - headers: { Content-Length: 7 }\n',
      told: ['my.yaml:4:20: services.http.rules.0.headers.Content-Length: is a header field that the server itself takes care of'],
    },
    {
      name: 'a header field with a line break',
      yaml: 'services:\n  http:\n    rules:\n      - headers: { X-A: "a\\r\\nSet-Cookie: b" }\n',
      told: ['my.yaml:4:25: services.http.rules.0.headers.X-A: must be printable ASCII on one line, not "a\\r\\nSet-Cookie: b"'],
    },
    {
      name: 'a rule that does nothing',
      yaml: 'services:\n  http:\n    rules:\n      - path: /a/\n',
      told: ['my.yaml:4:9: services.http.rules.0: must have one of cache, headers, download'],
    },
    {
      name: 'a folder for one path',
      yaml: 'services:\n  http:\n    routes:\n      - { path: /a, files: ./a }\n',
      told: ['my.yaml:4:17: services.http.routes.0.path: must end in / where `files` names a folder'],
    },
    {
      name: 'a redirection to another host by accident',
      yaml: 'services:\n  http:\n    routes:\n      - { path: /a, redirect: //b.test/ }\n',
      told: [
        'my.yaml:4:31: services.http.routes.0.redirect: must be a path that begins with one /, or a URL such as https://shop.test/, not "//b.test/"',
      ],
    },
    {
      name: 'a page for what is no error',
      yaml: 'services:\n  http:\n    pages: { 200: /a.html }\n',
      told: ['my.yaml:3:14: services.http.pages.200: must be a status such as 404'],
    },
  ])
})
