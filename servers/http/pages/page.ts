/** The frame of the pages that the server itself makes: light and dark, from a phone's width up, without script or other files. */

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as it may stand in an element or between the quotes of an attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character)

/** Fields of every page of ours: nothing may run in it or be loaded by it, whatever a file is called. */
export const pageFields: readonly string[] = [
  'Content-Type',
  'text/html; charset=utf-8',
  'Content-Security-Policy',
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'Referrer-Policy',
  'same-origin',
]

const style = `
:root{color-scheme:light dark;--back:#fbfbfa;--card:#fff;--text:#1d2129;--soft:#646b78;--line:#e4e5e9;--link:#0a58ca;--hover:#f1f4fa}
@media(prefers-color-scheme:dark){:root{--back:#14161a;--card:#1b1e24;--text:#e4e7ec;--soft:#969eac;--line:#2c313a;--link:#82b1ff;--hover:#232833}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
a:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
h1{font-size:1.35rem;line-height:1.3;font-weight:600;margin:0 0 1.25rem;overflow-wrap:anywhere}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
footer{margin-top:1.25rem;color:var(--soft);font-size:.85rem}
`

/** What a page is. */
export interface Frame {
  /** Plain text. */
  readonly title: string
  /** Rules beside those of the frame. */
  readonly style: string
}

const squeezed = (css: string): string => css.trim().replace(/\n\s*/g, '')

/** What stands before and after the content of a page. */
export const pageAround = ({ title, style: more }: Frame): { readonly before: string; readonly after: string } => ({
  before: `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${squeezed(style)}${squeezed(more)}</style>
</head>
<body>
<main>
`,
  after: `
</main>
</body>
</html>
`,
})

/** The whole document. @param body HTML, all text in it escaped */
export const renderPage = (frame: Frame, body: string): string => {
  const { before, after } = pageAround(frame)
  return before + body + after
}
