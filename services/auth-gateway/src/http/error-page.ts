import { type ErrorCode, errorAnchor, errors } from '@latchkey/contracts/errors'
import { escape, type Page, page, sentence } from './page.js'

/** The page that the `type` of every problem document leads to. */
export function errorsPage(): Page {
  const entries = Object.keys(errors).map((code) => {
    const { status, title, detail } = errors[code as ErrorCode]
    return `<article id="${errorAnchor(code as ErrorCode)}"><h2><code>${escape(code)}</code> <span class="soft">${status}</span></h2><p>${escape(title)}.</p><p class="soft">${sentence(detail)}</p></article>`
  })
  return page({ title: 'Errors', body: entries.join('') })
}
