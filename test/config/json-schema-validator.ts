/** As much of JSON Schema (draft 7) as our schema uses; a keyword that is not known here fails the test. */
type Schema = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

const notes = ['$schema', 'title', 'description', 'default', 'definitions', 'format', 'then']

type Keyword = (argument: unknown, value: unknown, at: string, around: { schema: Schema; root: Schema }) => readonly string[]

const when = (fails: boolean, at: string, what: string): readonly string[] => (fails ? [`${at}: ${what}`] : [])

const records = (argument: unknown): readonly Schema[] => [argument].flat().filter(isRecord)

const keywords: Readonly<Record<string, Keyword>> = {
  $ref: (argument, value, at, { root }) => {
    const definitions = root['definitions']
    const target = isRecord(definitions) ? definitions[String(argument).replace('#/definitions/', '')] : undefined
    if (!isRecord(target)) throw new Error(`no definition ${argument}`)
    return validate(target, value, at, root)
  },
  type: (argument, value, at) => {
    const types = [argument].flat()
    const fits = types.includes(typeOf(value)) || (types.includes('number') && typeof value === 'number')
    return when(!fits, at, `is no ${types.join(' or ')}`)
  },
  enum: (argument, value, at) => when(!(Array.isArray(argument) && argument.includes(value)), at, 'is none of the words'),
  const: (argument, value, at) => when(argument !== value, at, `is not ${argument}`),
  pattern: (argument, value, at) =>
    when(typeof value === 'string' && !new RegExp(String(argument), 'u').test(value), at, 'does not match'),
  minLength: (argument, value, at) => when(typeof value === 'string' && value.length < Number(argument), at, 'is too short'),
  minItems: (argument, value, at) => when(Array.isArray(value) && value.length < Number(argument), at, 'has too few items'),
  minimum: (argument, value, at) => when(typeof value === 'number' && value < Number(argument), at, 'is too small'),
  exclusiveMinimum: (argument, value, at) => when(typeof value === 'number' && value <= Number(argument), at, 'is too small'),
  maximum: (argument, value, at) => when(typeof value === 'number' && value > Number(argument), at, 'is too large'),
  required: (argument, value, at) =>
    isRecord(value) ? [argument].flat().flatMap((name) => when(!Object.hasOwn(value, String(name)), at, `lacks ${name}`)) : [],
  items: (argument, value, at, { root }) =>
    Array.isArray(value)
      ? records(argument).flatMap((each) => value.flatMap((item, i) => validate(each, item, `${at}/${i}`, root)))
      : [],
  properties: (argument, value, at, { root }) =>
    isRecord(argument) && isRecord(value)
      ? Object.entries(argument).flatMap(([name, each]) =>
          isRecord(each) && Object.hasOwn(value, name) ? validate(each, value[name], `${at}/${name}`, root) : [],
        )
      : [],
  propertyNames: (argument, value, at, { root }) =>
    isRecord(value)
      ? records(argument).flatMap((each) => Object.keys(value).flatMap((name) => validate(each, name, `${at}/${name}`, root)))
      : [],
  additionalProperties: (argument, value, at, { schema, root }) => {
    const known = isRecord(schema['properties']) ? Object.keys(schema['properties']) : []
    const others = isRecord(value) ? Object.entries(value).filter(([name]) => !known.includes(name)) : []
    return others.flatMap(([name, each]) =>
      isRecord(argument)
        ? validate(argument, each, `${at}/${name}`, root)
        : when(argument === false, `${at}/${name}`, 'is unknown'),
    )
  },
  anyOf: (argument, value, at, { root }) =>
    when(!records(argument).some((each) => validate(each, value, at, root).length === 0), at, 'is nothing of what it may be'),
  allOf: (argument, value, at, { root }) => records(argument).flatMap((each) => validate(each, value, at, root)),
  if: (argument, value, at, { schema, root }) => {
    const [condition] = records(argument)
    const [consequence] = records(schema['then'])
    if (condition === undefined || consequence === undefined) throw new Error('if without then')
    return validate(condition, value, at, root).length === 0 ? validate(consequence, value, at, root) : []
  },
}

/** What is wrong with a value by a schema, a line each; none when it fits. */
export const validate = (schema: Schema, value: unknown, at = '', root: Schema = schema): readonly string[] =>
  Object.entries(schema).flatMap(([keyword, argument]) => {
    if (notes.includes(keyword) || keyword.startsWith('x-')) return []
    const check = keywords[keyword]
    if (check === undefined) throw new Error(`${at}: the keyword ${keyword} is not known to this test`)
    return check(argument, value, at, { schema, root })
  })
