"""View copies: both pictures side by side, made from an archived recording for browsers, in the background.

Begin with `worker`, which takes sessions from the `queue` (in the database) and starts `render` as a process for each.
`layout` and `banner` draw the picture and are pure, but for fonts. A copy is never evidence and can be made again."""
