import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { parse } from 'yaml'
import { z } from 'zod'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { serviceSchema, settingsSchema } from '../../shared/config/schema.ts'
import { fieldsOf, leaves, notesOf } from '../../shared/config/shape.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { defaultText, wholeText } from './default-yaml.ts'

/** Whether plain data has something at a path. */
const has = (plain: unknown, path: readonly string[]): boolean => {
  const [name, ...rest] = path
  if (name === undefined) return true
  return typeof plain === 'object' && plain !== null && Object.hasOwn(plain, name) && has(Object(plain)[name], rest)
}

/** The settings of a service that are its protocol's own. */
const withoutShared = (service: object) =>
  Object.fromEntries(Object.entries(service).filter(([name]) => !Object.hasOwn(serviceSchema.shape, name)))

const own = Object.values(protocols).map(({ protocol, options, external }) => ({
  protocol,
  fields: fieldsOf(options) ?? {},
  isExternal: external !== undefined,
}))
const everything = [
  ...leaves(settingsSchema.shape),
  ...leaves(serviceSchema.shape),
  ...own.flatMap(({ protocol, fields }) => leaves(fields, [protocol])),
]

describe('config/default.yaml', () => {
  it('has every setting of the whole', () => {
    const missing = leaves(settingsSchema.shape).filter(({ path }) => !has(parse(defaultText), path))
    expect(missing.map(({ path }) => path.join('.'))).to.deep.equal([])
  })

  for (const { protocol, fields, isExternal } of own) {
    it(`has every setting of ${protocol}${isExternal ? ', ready to be used' : ''}`, () => {
      const services: { protocol: string }[] = Object.values(parse(isExternal ? wholeText : defaultText).services)
      const examples = services.filter((service) => service.protocol === protocol)
      const missing = leaves(fields).filter(({ path }) => !examples.some((service) => has(service, path)))
      expect(missing.map(({ path }) => path.join('.'))).to.deep.equal([])
    })
  }

  it('has every setting that all services share, in use or ready to be', () => {
    const services = Object.values(parse(wholeText).services)
    const missing = leaves(serviceSchema.shape).filter(({ path }) => !services.some((service) => has(service, path)))
    expect(missing.map(({ path }) => path.join('.'))).to.deep.equal([])
  })

  it('says of each the default that holds without it', async () => {
    await using folder = await temporaryFolder()
    const bare = folder.at('bare.yaml')
    // Which program somebody else wants is nothing that holds by default.
    const hosted = own.filter(({ isExternal }) => !isExternal).map(({ protocol }) => [protocol, { protocol }])
    await writeFile(bare, JSON.stringify({ services: Object.fromEntries(hosted) }))
    const sources = { protocols, env: {} }
    expect(loadConfiguration({ ...sources, defaults: bare })).to.deep.equal(loadConfiguration(sources))
  })

  it('shows of an external program the defaults that hold without them', () => {
    const { fields } = own.find(({ isExternal }) => isExternal) ?? { fields: {} }
    const shown = z.object(fields).parse(withoutShared(parse(wholeText).services.db))
    const { command, prepare } = shown
    expect(shown).to.deep.equal({ ...z.object(fields).parse({ command }), prepare })
  })

  it('can be used with all that is ready to be', async () => {
    await using folder = await temporaryFolder()
    const whole = folder.at('whole.yaml')
    await writeFile(whole, wholeText)
    const { services } = loadConfiguration({ protocols, env: {}, defaults: whole })
    expect(services.map(({ name, port }) => `${name} ${port}`)).to.deep.equal([
      'http 8080',
      'ftp 2121',
      'smtp 2525',
      'pop3 1110',
      'https 8443',
      'ftps 2990',
      'submission 2587',
      'smtps 2465',
      'lmtp 2424',
      'pop3s 2995',
      'db 3306',
      'queue 5672',
      'cache 6379',
    ])
  })

  it('has prose before each setting, and nothing longer than a line of the house', () => {
    const lines = defaultText.split('\n')
    expect(lines.filter((line) => line.length > 132)).to.deep.equal([])
    const bare = lines.filter((line, i) => /^[a-z]/.test(line) && line !== 'services:' && !/^#|^$/.test(lines[i - 1] ?? ''))
    expect(bare).to.deep.equal([])
  })
})

describe('every setting', () => {
  it('has a description, a sentence with its full stop', () => {
    const without = everything.filter(({ schema }) => !/^[A-Z"].*\.$/.test(notesOf(schema).description ?? ''))
    expect(without.map(({ path }) => path.join('.'))).to.deep.equal([])
  })

  it('of a protocol has a name that is not shared by all services', () => {
    const both = own.flatMap(({ protocol, fields }) =>
      Object.keys(fields).flatMap((name) => (Object.hasOwn(serviceSchema.shape, name) ? [`${protocol}: ${name}`] : [])),
    )
    expect(both).to.deep.equal([])
  })
})
