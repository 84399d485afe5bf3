import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { jsonSchema, jsonSchemaText, schemaFile } from '../../shared/config/json-schema.ts'
import { wholeText } from './default-yaml.ts'
import { validate } from './json-schema-validator.ts'

const schema = jsonSchema(protocols)
const folder = dirname(schemaFile)
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

describe('the JSON Schema of configuration files', () => {
  it('is current: `npm run schema` writes it', () => {
    expect(readFileSync(schemaFile, 'utf8')).to.equal(jsonSchemaText(protocols))
  })

  for (const name of files) {
    it(`takes config/${name}, which names it for editors`, () => {
      const text = readFileSync(join(folder, name), 'utf8')
      expect(text.split('\n')[0]).to.equal('# yaml-language-server: $schema=./schema.json')
      expect(validate(schema, parse(text))).to.deep.equal([])
    })
  }

  it('takes config/default.yaml with all settings in use', () => {
    expect(validate(schema, parse(wholeText))).to.deep.equal([])
  })

  const right: readonly [name: string, value: unknown][] = [
    ['nothing', {}],
    ['a part of a service', { services: { http: { port: 80 } } }],
    ['a further service', { services: { web2: { protocol: 'http', port: 8081, listing: false } } }],
    ['a service that another file defines', { services: { submission: { enabled: false } } }],
    ['a size as a number, and as text in either case', { mail: { maxSize: 5, quota: { bytes: '5kib' } } }],
    ['no limit', { files: { quota: { bytes: null } }, limits: { connectionsPerSecond: null } }],
  ]
  for (const [name, value] of right) it(`takes ${name}`, () => expect(validate(schema, value)).to.deep.equal([]))

  const wrong: readonly [name: string, value: unknown, told: readonly string[]][] = [
    ['an unknown setting', { hots: '::' }, ['/hots: is unknown']],
    ['an unknown setting of a section', { mail: { maxsize: 5 } }, ['/mail/maxsize: is unknown']],
    ['an unknown setting of a service', { services: { smtp: { listing: true } } }, ['/services/smtp/listing: is unknown']],
    ['one of a further service', { services: { web2: { protocol: 'http', mode: 'mta' } } }, ['/services/web2/mode: is unknown']],
    ['an unknown protocol', { services: { web2: { protocol: 'htp' } } }, ['/services/web2/protocol: is none of the words']],
    ['a name of a service', { services: { My_Web: {} } }, ['/services/My_Web: does not match']],
    ['a time without its unit', { drain: 30 }, ['/drain: is no string']],
    ['a size in words', { mail: { maxSize: 'much' } }, ['/mail/maxSize: is nothing of what it may be']],
    ['a port past the last', { services: { http: { port: 65_536 } } }, ['/services/http/port: is too large']],
    ['STARTTLS for HTTP', { services: { http: { tls: 'starttls' } } }, ['/services/http/tls: is none of the words']],
    ['requireTls for HTTP', { services: { http: { requireTls: 'never' } } }, ['/services/http/requireTls: is unknown']],
  ]
  for (const [name, value, told] of wrong) it(`refuses ${name}`, () => expect(validate(schema, value)).to.deep.equal(told))
})
