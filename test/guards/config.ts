import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'config: a setting that does not exist is passed over',
    file: 'shared/config/plain.ts',
    guard: 'const message = `there is no such setting; ${this.#suggestion(name, fields, path)}`',
    without: 'continue',
    tests: ['test/config/wrong-settings.test.ts'],
    grep: 'an unknown setting$',
  },
  {
    name: 'config: two services on one port',
    file: 'shared/config/agreement.ts',
    guard: '    if (other === undefined) continue\n',
    without: '    if (other !== null) continue\n',
    tests: ['test/config/wrong-services.test.ts'],
    grep: 'two services on one port as given',
  },
  {
    name: 'config: a certificate without its key',
    file: 'shared/config/agreement.ts',
    guard: "if ((tls.certificate === 'auto') === (tls.key === 'auto')) return",
    without: 'if (tls.certificate.length + tls.key.length > 0) return',
    tests: ['test/config/wrong-settings.test.ts'],
    grep: 'a certificate without its key',
  },
  {
    name: 'config: aliases that lead back to themselves over a tag',
    file: 'shared/config/aliases.ts',
    guard: "[name, name.split('+', 1)[0] ?? ''].find(",
    without: '[name].find(',
    tests: ['test/config/wrong-settings.test.ts'],
    grep: 'over a tag',
  },
]
