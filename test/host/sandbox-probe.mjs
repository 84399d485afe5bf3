// Runs in the place of a child's program, under the very flags of one: becomes that child by its own program, and once it serves,
// tries what a child must not do. Plain JavaScript, with nothing imported before the child's program: so it stands for whatever
// foreign code a child loads.
const { HAVRE_TEST_PROGRAM: program } = process.env

// Kept from before the child's program closes it, to put code into a thread of that program; no attempt has it.
const { Worker: AnyThread, MessageChannel, isMainThread, workerData } = process.getBuiltinModule('node:worker_threads')

const outcomeOf = async (attempt) => {
  const late = new Promise((resolve) => setTimeout(() => resolve('silence'), 5_000).unref())
  try {
    const value = await Promise.race([attempt(), late])
    return `done: ${String(value).slice(0, 60)}`
  } catch (error) {
    return `refused: ${error.code ?? error.message}`
  }
}

/** Resolves with what a socket or a thread comes to. */
const comesTo = (emitter, good) =>
  new Promise((resolve, reject) => {
    for (const event of good) emitter.on(event, (value) => resolve(`${event} ${value}`))
    emitter.on('error', reject)
  })

const refused = (error) => error.code === 'ERR_ACCESS_DENIED'

/** What else Node takes for a path. */
const shapesOf = (path) => [path, Buffer.from(path), { href: 'file:', protocol: 'file:', hostname: '', pathname: path }]

/** Tells which functions take a path that leads out; refused when none does. */
const functionsThatTake = async (owner, byDescriptor, climbing, inside) => {
  const taken = []
  for (const name of Object.keys(owner)) {
    if (typeof owner[name] !== 'function' || byDescriptor.test(name) || /^[A-Z_]/.test(name)) continue
    const ways = shapesOf(climbing).map((path) => [path, climbing])
    if (/^(?:copyFile|link|rename|symlink)/.test(name)) ways.push(...shapesOf(climbing).map((path) => [inside, path]))
    for (const paths of ways) {
      try {
        const value = owner[name](...paths, () => undefined)
        value?.on?.('error', () => undefined)
        await value
        taken.push(name)
      } catch (error) {
        if (!refused(error)) taken.push(name)
      }
    }
  }
  if (taken.length > 0) return [...new Set(taken)].join(' ')
  throw Object.assign(new Error('none'), { code: 'ERR_ACCESS_DENIED' })
}

const attempts = async (places) => {
  const [fs, sqlite, threads, net, v8, children] = await Promise.all(
    ['fs', 'sqlite', 'worker_threads', 'net', 'v8', 'child_process'].map((name) => import(`node:${name}`)),
  )
  const [module, { relative }] = await Promise.all([import('node:module'), import('node:path')])
  const { createRequire } = module
  const byDescriptor = /^(?:close|f(?:chmod|chown|datasync|stat|sync|truncate)|futimes|readv?|writev?)(?:Sync)?$/
  const required = (name) => process.getBuiltinModule('module').createRequire(`${places.own}/x.js`)(name)
  const spy = "require('node:worker_threads').parentPort.postMessage(require('node:fs').readFileSync('/etc/passwd', 'utf8'))"
  const thread = (options, Worker = threads.Worker) => comesTo(new Worker(spy, { eval: true, ...options }), ['message', 'exit'])
  /** A path that the permission model takes for one below the process's own descriptors: from a folder that is open, up. */
  const around = (target, from = places.own) => `/proc/self/fd/${fs.openSync(from, 'r')}/${relative(from, target)}`
  const above = (name) => `/proc/self/fd/${fs.openSync('/proc/self/fd', 'r')}/../${name}`
  /** Nothing comes of it where it is not refused. */
  const nowhere = () => around(`${places.elsewhere}-none/none`)
  const pathLater = (stream) => {
    stream.path = around(places.accounts)
    return comesTo(stream, ['data'])
  }
  return {
    'read the accounts by a descriptor': () => fs.readFileSync(around(places.accounts)),
    'read them by a promise': () => fs.promises.readFile(around(places.accounts)),
    'read them by a callback': () =>
      new Promise((done, fail) => fs.readFile(around(places.accounts), (error, data) => (error ? fail(error) : done(data)))),
    'read them as a stream': () => comesTo(fs.createReadStream(around(places.accounts)), ['data']),
    'read them by the class of streams': () => comesTo(new fs.ReadStream(around(places.accounts)), ['data']),
    'read them as a stream that is led elsewhere later': () => pathLater(new fs.ReadStream(`${places.own}/none`)),
    'read them by a path of octets': () => fs.readFileSync(Buffer.from(around(places.accounts))),
    'read them by memory that is shared': () => {
      const path = Buffer.from(around(places.accounts))
      const shared = Buffer.from(new SharedArrayBuffer(path.length))
      shared.set(path)
      return fs.readFileSync(shared)
    },
    'read them by what passes for a URL': () => {
      const [, , url] = shapesOf(around(places.accounts))
      return fs.readFileSync(url)
    },
    'read them by what passes for an open file': async () => {
      await using file = await fs.promises.open(places.own)
      const prototype = Object.getPrototypeOf(file)
      const [, , fake] = shapesOf(around(places.accounts))
      for (const symbol of [file, prototype].flatMap(Object.getOwnPropertySymbols)) {
        fake[symbol] = typeof file[symbol] === 'function' ? () => undefined : file[symbol]
      }
      return await prototype.readFile.call(fake)
    },
    'read them by an open file that is none any more': async () => {
      await using file = await fs.promises.open(places.own)
      const { constructor: kind } = Object.getPrototypeOf(file)
      Object.defineProperty(kind, Symbol.hasInstance, { value: () => false, configurable: true })
      try {
        Object.assign(file, shapesOf(around(places.accounts))[2])
        return await fs.promises.readFile(file)
      } finally {
        delete kind[Symbol.hasInstance]
      }
    },
    'load them as environment': () => process.loadEnvFile(around(places.accounts)),
    'load them as a module': () => {
      const { Module } = module
      Module._extensions['.js'](new Module('x'), around(places.accounts))
    },
    'go to their folder by a descriptor': () => process.chdir(around(places.data)),
    'list their folder by a descriptor': () => fs.readdirSync(around(places.data)),
    'open their folder by a descriptor': () => fs.opendirSync(around(places.data)).readSync(),
    'read /etc/passwd through the root of a process': () => fs.readFileSync(above('root/etc/passwd')),
    'read it through the root of a process, plainly': () => fs.readFileSync('/proc/self/root/etc/passwd'),
    'read its environment by a descriptor': () => fs.readFileSync(above('environ')),
    'open its memory by a descriptor': () => fs.openSync(above('mem'), 'r+'),
    'write elsewhere by a descriptor': () => fs.writeFileSync(around(places.elsewhere), 'x'),
    'write there as a stream': () => comesTo(fs.createWriteStream(around(places.elsewhere)), ['open']),
    'write there as another stream': () => comesTo(new fs.Utf8Stream({ dest: around(places.elsewhere), sync: false }), ['ready']),
    'write there by a report': () => process.report.writeReport(around(places.elsewhere)),
    'write there by a snapshot': () => v8.writeHeapSnapshot(around(places.elsewhere)),
    'write there by the compile cache': () => module.enableCompileCache(around(places.elsewhere)).message,
    'lead any function of files elsewhere': () => functionsThatTake(fs, byDescriptor, nowhere(), `${places.own}/none`),
    'lead any function of its promises elsewhere': () =>
      functionsThatTake(fs.promises, byDescriptor, nowhere(), `${places.own}/none`),
    'read /etc/passwd': () => fs.readFileSync('/etc/passwd', 'utf8'),
    'read it as a stream': () => comesTo(fs.createReadStream('/etc/passwd'), ['data']),
    'read it from the folder above': () => fs.readFileSync(`${places.own}/../../../../../../etc/passwd`, 'utf8'),
    'import it': () => import('/etc/passwd'),
    'require it': () => createRequire('/etc/x.js')('/etc/passwd'),
    'copy it': () => fs.cpSync('/etc/passwd', `${places.own}/stolen`),
    'link it': () => fs.symlinkSync('/etc/passwd', `${places.own}/link`),
    'link it hard': () => fs.linkSync('/etc/passwd', `${places.own}/link`),
    'load it as environment': () => process.loadEnvFile('/etc/passwd'),
    'go to its folder': () => process.chdir('/etc'),
    'read a key of TLS': () => fs.readFileSync(places.key, 'utf8'),
    'read the authority’s key': () => fs.readFileSync(places.authority, 'utf8'),
    'read the accounts': () => fs.readFileSync(places.accounts),
    'list the data folder': () => fs.readdirSync(places.data),
    'list the folder of the control socket': () => fs.readdirSync(places.run),
    'read its environment as it began': () => fs.readFileSync('/proc/self/environ', 'utf8'),
    'read its memory': () => fs.openSync('/proc/self/mem', 'r'),
    'read of another process': () => fs.readFileSync(`/proc/${process.ppid}/environ`),
    'write elsewhere': () => fs.writeFileSync(places.elsewhere, 'x'),
    'write to its own program': () => fs.writeFileSync(program, 'x', { flag: 'a' }),
    'write beside it by a report': () => process.report.writeReport(places.elsewhere),
    'write beside it by a snapshot': () => v8.writeHeapSnapshot(places.elsewhere),
    'write beside it by a flag of V8': () => v8.setFlagsFromString('--trace-turbo'),
    'write beside it by the compile cache': () => {
      const { status, message } = process.getBuiltinModule('module').enableCompileCache(places.elsewhere)
      if (message?.includes('permission')) throw new Error('no permission')
      return status
    },
    'start a program': () => children.execFileSync('/bin/true'),
    'start a program of Node': () => comesTo(children.fork(program), ['spawn']),
    'become another program': () => process.execve('/bin/true', ['true'], {}),
    'start a thread': () => thread({}),
    'start a thread without flags': () => thread({ execArgv: [] }),
    'start a thread with other flags': () => thread({ execArgv: ['--permission', '--allow-fs-read=/etc'] }),
    'start a thread by require': () => thread({ execArgv: [] }, required('node:worker_threads').Worker),
    'start a thread by the class of one': () => thread({ execArgv: [] }, threads.Worker.prototype?.constructor ?? threads.Worker),
    'start a thread with options out of nowhere': () => {
      Object.prototype.execArgv = []
      Object.prototype.eval = true
      try {
        return thread({})
      } finally {
        delete Object.prototype.execArgv
        delete Object.prototype.eval
      }
    },
    'take the class of threads back': () => {
      Object.defineProperty(threads.default, 'Worker', { value: null })
    },
    'load an addon': () => process.dlopen({ exports: {} }, places.elsewhere),
    'load a library': () => import('node:ffi').then(({ dlopen }) => dlopen('libc.so.6', {})),
    'run WebAssembly with files': () => import('node:wasi').then(({ WASI }) => new WASI({ version: 'preview1' })),
    'reach inside of Node': () => process.binding('spawn_sync'),
    'open a debugger': () => import('node:inspector').then((inspector) => inspector.open(0)),
    'debug itself': () => import('node:inspector').then(({ Session }) => new Session().connect()),
    'trace itself': () => import('node:trace_events').then((trace) => trace.createTracing({ categories: ['v8'] }).enable()),
    'open the accounts with SQLite': () => new sqlite.DatabaseSync(places.accounts, { readOnly: true }),
    'open them by require': () => new (required('node:sqlite').DatabaseSync)(places.accounts),
    'open another database': () => new sqlite.DatabaseSync(places.elsewhere),
    'open one in memory, for ATTACH': () => new sqlite.DatabaseSync(':memory:'),
    'back a database up': () => sqlite.backup({}, places.elsewhere),
    'end the supervisor': () => process.kill(process.ppid, 'SIGTERM'),
    'look for a process': () => process.kill(process.ppid, 0),
    'signal below process.kill': () => process._kill(process.ppid, 10),
    'open a debugger in the supervisor': () => process._debugProcess(process.ppid),
    'connect out': () => comesTo(net.connect(places.port, '127.0.0.1'), ['connect']),
    'connect out by a name': () => import('node:dns/promises').then(({ lookup }) => lookup('localhost')),
    'connect out by HTTP': () => fetch(`http://127.0.0.1:${places.port}/`),
    'send a datagram': () =>
      import('node:dgram').then(
        ({ createSocket }) =>
          new Promise((resolve, reject) => {
            const socket = createSocket('udp4').on('error', reject)
            socket.send('x', places.port, '127.0.0.1', (error) => (error ? reject(error) : resolve('sent')))
          }),
      ),
    'bind another port': () => new net.BoundSocket({ host: '127.0.0.1', port: 0 }),
    'ask the supervisor something': async () => {
      const key = fs.readFileSync(`${places.run}/control.key`, 'utf8')
      const socket = net.connect(`${places.run}/control.sock`)
      socket.write(`${JSON.stringify({ command: 'status', key })}\n`)
      return comesTo(socket, ['data'])
    },
  }
}

const outcomesOf = async (places, only) => {
  const outcomes = { environment: Object.keys(process.env).join(' ') }
  for (const [name, attempt] of Object.entries(await attempts(places))) {
    if (only === undefined || only.includes(name)) outcomes[name] = await outcomeOf(attempt)
  }
  return outcomes
}

/** The same in a thread, once the program of that thread has run. */
const outcomesInThread = (thread, places) => {
  const { port1, port2 } = new MessageChannel()
  const { promise, resolve, reject } = Promise.withResolvers()
  const worker = new AnyThread(new URL(import.meta.url), { workerData: { thread, places, port: port2 }, transferList: [port2] })
  worker.once('error', reject)
  worker.once('exit', () => reject(new Error('the thread ended')))
  port1.once('message', resolve)
  return promise
}

/** What a thread that the child may start says last. */
const lastOfThread = async (file, data) => {
  const { Worker } = await import('node:worker_threads')
  const worker = new Worker(file, { workerData: { ...data, beats: new SharedArrayBuffer(4) } })
  let last = null
  worker.on('message', (message) => {
    last = message
  })
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => resolve(last))
  })
}

const tasks = {
  try: async ({ places, only }) => ({ type: 'tried', outcomes: await outcomesOf(places, only) }),
  'try in a thread': async ({ thread, places }) => ({ type: 'tried', outcomes: await outcomesInThread(thread, places) }),
  'run a thread': async ({ thread, data }) => ({ type: 'ran', last: await lastOfThread(thread, data) }),
}

if (isMainThread) {
  process.on('message', async (message) => {
    const task = tasks[message.type]
    if (task === undefined) return
    try {
      process.send(await task(message))
    } catch (error) {
      process.send({ type: 'not tried', why: error.stack })
    }
  })
  await import(program)
} else {
  const { thread, places, port } = workerData
  port.on('message', () => undefined)
  await import(thread)
  port.postMessage(await outcomesOf(places))
  port.close()
}
