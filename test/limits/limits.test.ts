import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { settingsSchema } from '../../shared/config/schema.ts'
import { fieldsOf, leaves } from '../../shared/config/shape.ts'
import { millisecondsOf, octetsOf } from '../../shared/config/units.ts'
import { type Limit, limits, sumOfCounts } from '../../shared/limits/limits.ts'
import { defaultText } from '../config/default-yaml.ts'
import { root, textOf } from '../house/sources.ts'
import { limitsTable } from './limits-table.ts'

const rows: readonly (readonly [string, Limit])[] = Object.entries(limits)

/** What a setting is in `config/default.yaml`. */
const written = (setting: string): unknown =>
  setting
    .split('.')
    .reduce<unknown>(
      (here, name) => (typeof here === 'object' && here !== null ? Object(here)[name] : undefined),
      parse(defaultText),
    )

const measured = (value: unknown): unknown =>
  typeof value === 'string' ? (millisecondsOf(value) ?? octetsOf(value) ?? value) : value

/** The services of the default configuration that a limit's column is about. */
const inDefault = ['http', 'ftp', 'smtp', 'pop3'] as const

describe('the table of limits', () => {
  for (const [name, { setting, defaults, told }] of rows) {
    it(`says of ${name} what config/default.yaml says, and what a client is told in each service that has it`, () => {
      expect(Object.keys(told)).to.have.members(Object.keys(defaults))
      const ofAll = /^(?:limits|logins)\./.test(setting)
      for (const service of inDefault) {
        if (!Object.hasOwn(defaults, service)) continue
        const value = written(ofAll ? setting : `services.${service}.${setting}`)
        if (value !== 'auto') expect(measured(value), service).to.equal(measured(defaults[service]))
      }
    })
  }

  it('has every setting below `limits`, and the limits that protocols count', () => {
    const settings = rows.map(([, { setting }]) => setting)
    const ofAll = leaves(fieldsOf(settingsSchema.shape.limits) ?? {}).map(({ path }) => `limits.${path.join('.')}`)
    expect(settings).to.include.members(ofAll)
    const counted = Object.values(protocols)
      .flatMap(({ options }) => leaves(fieldsOf(options) ?? {}).map(({ path }) => path.join('.')))
      .filter((name) => /^(?:bad|commands|max|commandLine|pipelined|recipients|timeouts)/.test(name))
    expect(settings).to.include.members(counted)
  })

  it('stands in docs/limits.md', () => {
    const page = textOf('docs/limits.md')
    const current = page.replace(/(?<=<!-- limits -->\n)[\s\S]*(?=<!-- \/limits -->)/, () => `${limitsTable()}\n`)
    if (process.env['HAVRE_TEST_UPDATE'] === '1') writeFileSync(join(root, 'docs/limits.md'), current)
    else expect(page).to.equal(current)
  })

  it('has counts that are added by name', () => {
    expect(sumOfCounts([{ idle: 1 }, {}, { idle: 2, connections: 3 }])).to.deep.equal({ connections: 3, idle: 3 })
  })
})
