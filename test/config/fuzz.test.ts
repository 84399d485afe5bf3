import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration, type Sources } from '../../shared/config/load.ts'
import { ConfigurationError } from '../../shared/config/problem.ts'
import { serviceSchema, settingsSchema } from '../../shared/config/schema.ts'
import { settingPaths } from '../../shared/config/shape.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { fuzzRounds, type Seeded, seeded } from '../kit/seeded.ts'
import { defaultText, wholeText } from './default-yaml.ts'

const names = [
  ...settingPaths(settingsSchema.shape),
  ...settingPaths(serviceSchema.shape, ['services', 'http']),
  ['services'],
  ['services', 'new', 'protocol'],
]

const values = [
  '',
  'null',
  '~',
  'true',
  '-1',
  '1e99',
  '.nan',
  '0x10',
  '::',
  '*',
  '*a',
  '&a b',
  '!!binary x',
  '[',
  '[a, [b]]',
  '{',
  '{ a: { b: c } }',
  '"',
  "'",
  '|',
  '>-',
  '- a',
  'a: b',
  '#',
  '%',
  '@',
  '`',
  '__proto__',
  'constructor',
  '\0',
  '\u001b[2J',
  '\n',
  '\ud800',
  'ß'.repeat(300),
]

/** One of the values, or noise. */
const value = (random: Seeded): string =>
  random.chance(0.8) ? random.pick(values) : random.octets(random.between(0, 40)).toString('latin1')

const variable = (random: Seeded): string =>
  `HAVRE_${random.pick(names).join(random.chance(0.9) ? '__' : '_')}${random.chance(0.1) ? random.text(2) : ''}`.toUpperCase()

const file = (random: Seeded): Buffer => {
  if (random.chance(0.7)) return random.mutate(Buffer.from(random.pick([defaultText, wholeText])))
  return Buffer.from(
    random
      .pick(names)
      .map((name, i, all) => `${'  '.repeat(i)}${name}:${i === all.length - 1 ? ` ${value(random)}` : ''}\n`)
      .join(''),
  )
}

describe('whatever a configuration is made of', () => {
  it('it is loaded, or refused with places and reasons of one line each', async () => {
    await using folder = await temporaryFolder()
    const random = seeded()
    const seen = { loaded: 0, refused: 0 }
    for (let round = 0; round < fuzzRounds(300, 150); round++) {
      await writeFile(folder.at('my.yaml'), file(random))
      const sources: Sources = {
        protocols,
        cwd: folder.path,
        files: random.chance(0.7) ? ['my.yaml'] : [],
        env: random.chance(0.3) ? { [variable(random)]: value(random) } : {},
        sets: random.chance(0.3) ? [`${random.pick(names).join('.')}${random.chance(0.9) ? '=' : ''}${value(random)}`] : [],
      }
      try {
        loadConfiguration(sources)
        seen.loaded++
      } catch (error) {
        if (!(error instanceof ConfigurationError))
          throw new Error(`seed ${random.seed}, round ${round}: ${JSON.stringify(sources)}`, { cause: error })
        seen.refused++
        expect(error.message.split('\n')).to.have.length(error.problems.length)
        expect(error.message).to.match(/^(?:[^\x00-\x1f\x7f-\x9f]|\n)+$/)
        for (const { message } of error.problems) expect(message).to.not.equal('')
      }
    }
    expect(Math.min(seen.loaded, seen.refused)).to.be.greaterThan(0)
  })
})
