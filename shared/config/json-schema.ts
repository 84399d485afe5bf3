/**
 * The JSON Schema of configuration files, for editors: made from the same zod schemas that check them. Any file says only a part,
 * so nothing is required of the whole or of a service. `npm run schema` writes it.
 */
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Protocol } from '../service.ts'
import type { Protocols } from './checking.ts'
import { defaultFile } from './load.ts'
import { serviceSchema, settingsSchema } from './schema.ts'
import { namePattern, sharedFields } from './services.ts'
import { type Fields, fieldsOf } from './shape.ts'

type Json = z.core.JSONSchema.BaseSchema

/** JSON Schema has no word for these notes of a setting: `x-` marks what an editor may pass over. */
const notes = ['unit', 'over', 'source', 'pending', 'kind'] as const

const sentences = ({ description, over, source, pending }: Json): string | null => {
  const said = [
    description,
    over === undefined ? null : `At the limit: ${over}.`,
    source === undefined ? null : `${source}.`,
    pending === undefined ? null : `Does nothing yet${Array.isArray(pending) ? `: ${pending.join(', ')}` : ''}.`,
  ].filter((part) => typeof part === 'string')
  return said.length === 0 ? null : said.join(' ')
}

const tidy = (json: Json): void => {
  const description = sentences(json)
  if (description !== null) json.description = description
  for (const note of notes) {
    if (json[note] !== undefined) json[`x-${note}`] = json[note]
    delete json[note]
  }
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum
}

const convert = (schema: z.core.$ZodType): Json => {
  const json: Json = z.toJSONSchema(schema, { target: 'draft-07', io: 'input', override: ({ jsonSchema }) => tidy(jsonSchema) })
  delete json.$schema
  delete json.required
  return json
}

/** One service: the settings that all have, those of its protocol, and the protocol's name. */
const serviceJson = (protocol: Protocol<unknown>): Json => {
  const name = z.literal(protocol.protocol).meta(serviceSchema.shape.protocol.meta() ?? {})
  return convert(z.strictObject({ ...sharedJson(protocol), ...fieldsOf(protocol.options), protocol: name }))
}

const sharedJson = (protocol: Protocol<unknown>): Fields => {
  const { startTls, external } = protocol
  const { tls, requireTls, ...others } = serviceSchema.shape
  if (external !== undefined) return sharedFields(protocol)
  const encryption =
    startTls === false
      ? {
          tls: z
            .enum(['implicit', 'off'])
            .default('off')
            .meta(tls.meta() ?? {}),
        }
      : {
          tls: tls
            .unwrap()
            .default('starttls')
            .meta(tls.meta() ?? {}),
          requireTls: requireTls
            .unwrap()
            .default('auto')
            .meta(requireTls.meta() ?? {}),
        }
  return { ...others, ...encryption }
}

const reference = (name: string): Json => ({ $ref: `#/definitions/${name}` })

/** Services that go by the name of their protocol are of that protocol; others say it. */
const servicesJson = (names: readonly string[]): Json => ({
  type: 'object',
  description: 'The services, each under a name of its own.',
  properties: Object.fromEntries(names.map((name) => [name, reference(name)])),
  propertyNames: { pattern: namePattern.source },
  additionalProperties: {
    type: 'object',
    properties: { protocol: { enum: [...names] } },
    allOf: names.map((name) => ({
      if: { properties: { protocol: { const: name } }, required: ['protocol'] },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      then: reference(name),
    })),
  },
})

/** The schema as a value. */
export const jsonSchema = (protocols: Protocols): Json => {
  const whole = convert(settingsSchema)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of Havre',
    ...whole,
    properties: { ...whole.properties, services: servicesJson(Object.keys(protocols)) },
    definitions: Object.fromEntries(Object.entries(protocols).map(([name, protocol]) => [name, serviceJson(protocol)])),
  }
}

/** Where it lies. */
export const schemaFile = join(dirname(defaultFile), 'schema.json')

/** As it lies there. */
export const jsonSchemaText = (protocols: Protocols): string => `${JSON.stringify(jsonSchema(protocols), null, 2)}\n`
