import { type DefaultValues, type FieldPath, type FieldValues, useForm } from 'react-hook-form'
import { useSay } from './locale.js'
import { tell } from './refusals.js'

interface FormOptions<F extends FieldValues> {
  readonly start: DefaultValues<F>
  /** What the API calls the fields. */
  readonly names?: Readonly<Record<string, FieldPath<F>>>
  /** Does what the form is for. What it throws is told where it belongs. */
  readonly send: (values: F) => Promise<void>
}

/** A form: which of its fields is wrong, whether it is under way, and what to do when it is sent. */
export function useSending<F extends FieldValues>({ start, names = {}, send }: FormOptions<F>) {
  const say = useSay()
  const { register, control, handleSubmit, setError, getValues, setValue, formState } = useForm<F>({
    defaultValues: start,
  })
  const { errors, isSubmitting } = formState
  const submit = handleSubmit(async (values) => {
    try {
      await send(values)
    } catch (error) {
      const { fields, form } = tell(error, say, names)
      if (form !== undefined) setError('root', { message: form })
      for (const [at, [name, message]] of Object.entries(fields).entries())
        setError(name as FieldPath<F>, { message: message as string }, { shouldFocus: at === 0 })
    }
  })
  return {
    register,
    control,
    getValues,
    setValue,
    busy: isSubmitting,
    /** For the form element: our own words say what is missing, not the browser's. */
    form: { noValidate: true, onSubmit: (event: React.FormEvent) => void submit(event) },
    wrong: (name: FieldPath<F>): string | undefined => {
      const message = errors[name]?.message
      return typeof message === 'string' ? message : undefined
    },
    formWrong: errors.root?.message,
  }
}
