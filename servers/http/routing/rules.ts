/** What answers say beside their content, by the rules of a site. */
import { globMatcher } from '../../../shared/files/glob.ts'
import type { HttpRequest } from '../handler.ts'
import type { Reply } from '../replies.ts'
import { attachment } from '../static/disposition.ts'
import type { Target } from '../target.ts'
import { varying, withField, without } from './fields.ts'
import { covers, type PathPattern, patternOf } from './path-pattern.ts'
import type { RuleOptions } from './route-options.ts'

interface Rule {
  readonly pattern: PathPattern
  /** Null: any name. */
  readonly matches: ((name: string) => boolean) | null
  readonly cache: string | undefined
  readonly headers: readonly (readonly [name: string, value: string | null])[]
  readonly download: boolean | undefined
}

const ruleOf = ({ path, files, cache, headers, download }: RuleOptions): Rule => ({
  pattern: patternOf(path),
  matches: files === '*' ? null : globMatcher(files),
  cache,
  headers: Object.entries(headers),
  download,
})

/** The name of what is asked for: a folder's is that of its page. */
const nameOf = ({ segments, folder }: Target): string => (folder ? 'index.html' : (segments.at(-1) ?? ''))

/** Answers with content of the resource, or that tell that the client has it. Errors and redirections are not cached by its rule. */
const isContent = ({ status }: Reply): boolean => status === 200 || status === 206 || status === 304

/** The rules of one site. */
export class Rules {
  readonly #rules: readonly Rule[]

  constructor(rules: readonly RuleOptions[]) {
    this.#rules = rules.map(ruleOf)
  }

  /** The reply with what all rules that match say; later ones win. */
  applied(reply: Reply, { target }: HttpRequest): Reply {
    if (this.#rules.length === 0) return reply
    const name = nameOf(target)
    const matching = this.#rules.filter((rule) => covers(rule.pattern, target) && (rule.matches?.(name) ?? true))
    if (matching.length === 0) return reply
    let { fields } = reply
    let download = false
    for (const rule of matching) {
      for (const [field, value] of rule.headers) fields = changed(fields, field, value)
      if (rule.cache !== undefined && isContent(reply)) fields = withField(fields, 'Cache-Control', rule.cache)
      download = rule.download ?? download
    }
    // A list of files, or the page of a folder, is there to be looked at.
    const isFile = isContent(reply) && !target.folder
    return { ...reply, fields: download && isFile ? withField(fields, 'Content-Disposition', attachment(name)) : fields }
  }
}

const changed = (fields: readonly string[], name: string, value: string | null): readonly string[] => {
  if (value === null) return without(fields, name.toLowerCase())
  // What an answer depends on stays true.
  return name.toLowerCase() === 'vary'
    ? varying(fields, ...value.split(',').map((each) => each.trim()))
    : withField(fields, name, value)
}
