/** The statuses of answers (RFC 9110 §15): a row each. */

/** Every status that this server answers with: its reason phrase, and for failures what it means to a person. */
export const statuses = {
  101: { reason: 'Switching Protocols' },
  200: { reason: 'OK' },
  201: { reason: 'Created' },
  204: { reason: 'No Content' },
  206: { reason: 'Partial Content' },
  301: { reason: 'Moved Permanently', meaning: 'What you asked for has another address.' },
  302: { reason: 'Found', meaning: 'What you asked for is at another address for now.' },
  303: { reason: 'See Other', meaning: 'The answer is at another address.' },
  304: { reason: 'Not Modified' },
  307: { reason: 'Temporary Redirect', meaning: 'What you asked for is at another address for now.' },
  308: { reason: 'Permanent Redirect', meaning: 'What you asked for has another address.' },
  400: { reason: 'Bad Request', meaning: 'The server could not understand the request.' },
  401: { reason: 'Unauthorized', meaning: 'This is for those who log in with a name and password.' },
  403: { reason: 'Forbidden', meaning: 'It is there, but it is not for everybody to see.' },
  404: {
    reason: 'Not Found',
    meaning: 'There is nothing at this address. Perhaps it was moved or the address has a typing error.',
  },
  405: { reason: 'Method Not Allowed', meaning: 'What is at this address can be read, but not changed or called in this way.' },
  408: { reason: 'Request Timeout', meaning: 'The request did not arrive completely in time.' },
  409: { reason: 'Conflict', meaning: 'What is at this address, or around it, does not allow it as it is now.' },
  411: { reason: 'Length Required', meaning: 'The request does not say how much it carries.' },
  412: {
    reason: 'Precondition Failed',
    meaning: 'The file is not in the state that the request expects; it was changed meanwhile.',
  },
  413: { reason: 'Content Too Large', meaning: 'The request carries more than the server takes.' },
  414: { reason: 'URI Too Long', meaning: 'The address is longer than the server takes.' },
  415: { reason: 'Unsupported Media Type', meaning: 'The request carries what cannot be taken at this address in this form.' },
  416: { reason: 'Range Not Satisfiable', meaning: 'The file ends before the part that was asked for begins.' },
  417: { reason: 'Expectation Failed', meaning: 'The request expects something that the server does not know.' },
  421: {
    reason: 'Misdirected Request',
    meaning: 'This connection cannot be for the host that was asked for: its certificate is not.',
  },
  429: { reason: 'Too Many Requests', meaning: 'Your address asks for more than the server gives to one. Try again in a moment.' },
  431: {
    reason: 'Request Header Fields Too Large',
    meaning: 'The head of the request is larger than the server takes; often cookies are the cause.',
  },
  500: { reason: 'Internal Server Error', meaning: 'The server failed. It is not your fault; the journal tells what happened.' },
  501: { reason: 'Not Implemented', meaning: 'The server does not know how to do this.' },
  502: {
    reason: 'Bad Gateway',
    meaning: 'The server behind this one could not be reached, or gave no answer that could be understood.',
  },
  503: { reason: 'Service Unavailable', meaning: 'The server cannot answer right now. Try again in a moment.' },
  504: { reason: 'Gateway Timeout', meaning: 'The server behind this one did not answer in time.' },
  505: { reason: 'HTTP Version Not Supported', meaning: 'This server speaks HTTP/1.1 and HTTP/1.0.' },
  507: { reason: 'Insufficient Storage', meaning: 'There is no room for what the request carries.' },
} as const

export type Status = keyof typeof statuses
/** Statuses that are told to a person. */
export type ToldStatus = { [S in Status]: (typeof statuses)[S] extends { meaning: string } ? S : never }[Status]
/** Statuses of failures, each with a page that explains it. */
export type FailureStatus = Exclude<ToldStatus, RedirectStatus>
/** Statuses that tell the client to go elsewhere with its request. */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308

const isOurs = (status: number): status is Status => status in statuses

/** The reason phrase; empty for a status that is not ours. It says nothing that the status does not (RFC 9112 §4). */
export const reasonOf = (status: number): string => (isOurs(status) ? statuses[status].reason : '')
