import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'supervisor: two of them on one data folder',
    file: 'servers/supervisor/lock.ts',
    guard: "    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')\n",
    without: '',
    tests: ['test/supervisor/lock.test.ts'],
  },
  {
    name: 'supervisor: a reload changes services before all of the configuration is known to work',
    file: 'servers/supervisor/supervisor.ts',
    guard: '      this.#checkReload(configuration)\n',
    without: '',
    tests: ['test/supervisor/reload.test.ts'],
    grep: 'what cannot change while it runs',
  },
  {
    name: 'supervisor: a child reads files that are none of its own',
    file: 'servers/supervisor/sandbox.ts',
    guard: "    '--permission',\n",
    without: '',
    tests: ['test/http/sandbox.test.ts'],
  },
  {
    name: 'supervisor: root serves with all its rights',
    file: 'servers/supervisor/privilege.ts',
    guard: "  if (ports === 'well-known') {",
    without: '  if (ports === null) {',
    tests: ['test/supervisor/privilege.test.ts'],
  },
  {
    name: 'supervisor: the demo password is good from other machines',
    file: 'servers/supervisor/demo.ts',
    guard: 'options.services.find(({ host }) => !isLoopback(host))',
    without: "options.services.find(({ host }) => host === '')",
    tests: ['test/supervisor/demo.test.ts'],
    grep: 'is refused where it would be made',
  },
  {
    name: 'supervisor: orphans listen on, in the way of the next start',
    file: 'servers/host/main.ts',
    guard: "process.on('disconnect', () => {",
    without: "process.once('disconnect-never', () => {",
    tests: ['test/supervisor/takeover.test.ts'],
    grep: 'leaves an old child that ends',
  },
]
