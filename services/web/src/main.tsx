import { I18nProvider } from '@lingui/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.js'
import { brandShades } from './brand.js'
import { i18n, preferredLanguage, speak } from './locale.js'
import { settings } from './settings.js'
import './styles.css'

for (const [name, value] of Object.entries(brandShades(settings.brand.color)))
  document.documentElement.style.setProperty(name, value)

await speak(preferredLanguage())
const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <App />
      </I18nProvider>
    </StrictMode>,
  )
