"""The MP4 file (ISO/IEC 14496-12): boxes, the muxer, fragments, what a torn file still holds, joining parts."""
