/** Octets that tell whose they are: a test that is given the token knows every octet of the message. */
export const bodyOf = (token: string, size: number): Buffer => Buffer.alloc(size, `Subject: ${token}\r\n`)
