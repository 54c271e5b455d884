import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { brandShades } from '../brand.js'
import { settings } from '../settings.js'
import { Inbox } from './inbox.js'
import '../styles.css'
import './inbox.css'

for (const [name, value] of Object.entries(brandShades(settings.brand.color)))
  document.documentElement.style.setProperty(name, value)
document.title = `SMS inbox · ${settings.brand.name}`

const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <Inbox />
    </StrictMode>,
  )
