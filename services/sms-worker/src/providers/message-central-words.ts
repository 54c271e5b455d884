/** What MessageCentral means by its codes, in words for operators. */
export const messageCentralWords: Readonly<Record<string, string>> = {
  400: 'it cannot use the number, the sender or the text, and does not say which',
  401: 'it does not know our credentials',
  403: 'our account may not do this',
  409: 'it is sending to this number already',
  429: 'we ask more often than it allows',
  500: 'it failed itself',
  501: 'it does not know our customer id',
  506: 'it has a message for this number under way',
  511: 'it does not serve this country',
  800: 'our account has sent too much',
  'no-country': 'the number has no country that it would take',
}
