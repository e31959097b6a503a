import { createTheme } from '@mantine/core';

/** What styles need beyond theme.css: the defaults of components. */
export const theme = createTheme({
  autoContrast: false,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { transitionProps: { duration: 0 } } },
  },
});
