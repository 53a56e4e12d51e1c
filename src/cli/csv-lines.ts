/** How rows of CSV may end, for csv-parse: each row by itself, as tools that prepend a header end it in their own way. */
export const CSV_LINES = ['\r\n', '\n', '\r'];
